-- What a person did with dead letters: their topic keeps every record, so this says which are done with. No TTL, since how
-- long the topic keeps them is a setting of its own. The fingerprint tells a letter from another of a topic made anew.
CREATE TABLE IF NOT EXISTS {{table:dead_letter_row}}
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    fingerprint String,
    action LowCardinality(String),
    at DateTime64(3, 'UTC'),
    note String CODEC(ZSTD(1)),
    version UInt64
)
ENGINE = {{replacing:version}}
ORDER BY (topic, partition, offset, fingerprint)
SETTINGS {{deduplication}};
