-- Rows that could not be stored, each with its reason. The same row refused again is the same row here.
CREATE TABLE IF NOT EXISTS {{table:quarantine_row}}
(
    at DateTime64(3, 'UTC'),
    data_set LowCardinality(String),
    code String,
    day Nullable(Date),
    reason LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    raw String CODEC(ZSTD(1)),
    version UInt64,
    request_id String,
    call_id String,
    row_hash UInt64 MATERIALIZED sipHash64(data_set, code, reason, raw)
)
ENGINE = {{replacing:version}}
ORDER BY (data_set, code, row_hash)
SETTINGS {{deduplication}};

-- What is known of every day of every code, as spans; `removed` marks a span that went.
CREATE TABLE IF NOT EXISTS {{table:ledger_row}}
(
    data_set LowCardinality(String),
    frequency Int8,
    code String,
    first_day Date32,
    last_day Date32,
    state LowCardinality(String),
    provider LowCardinality(String),
    call_id String CODEC(ZSTD(1)),
    evidence_version UInt64,
    note String CODEC(ZSTD(1)),
    ask_again_at Nullable(DateTime64(3, 'UTC')),
    removed Bool,
    version UInt64
)
ENGINE = {{replacing:version}}
ORDER BY (data_set, frequency, code, first_day)
SETTINGS {{deduplication}};

-- What became of every message of the queue, for 90 days. A topic made anew begins at offset 0 again, hence the fingerprint.
CREATE TABLE IF NOT EXISTS {{table:outcome_row}}
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    fingerprint String,
    request_id String,
    command LowCardinality(String),
    codes Array(String) CODEC(ZSTD(1)),
    outcome LowCardinality(String),
    rows_new UInt64,
    rows_same UInt64,
    rows_revised UInt64,
    rows_rejected UInt64,
    call_ids Array(String) CODEC(ZSTD(1)),
    provider LowCardinality(String),
    duration_ms Float64,
    pending_days UInt32,
    unexplained_days UInt32,
    reason LowCardinality(String),
    settled_at DateTime64(3, 'UTC'),
    version UInt64,
    INDEX request_id_index request_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {{replacing:version}}
ORDER BY (topic, partition, offset, fingerprint)
TTL toDateTime(settled_at) + toIntervalDay(90)
SETTINGS {{deduplication}};
