-- Trade prints of all codes in one table; `sequence` keeps the order of those that share a `timestamp`.
CREATE TABLE IF NOT EXISTS {{table:tick_row}}
(
    code LowCardinality(String),
    timestamp DateTime64(3, 'Asia/Shanghai') CODEC(DoubleDelta, ZSTD(1)),
    trading_day Date CODEC(DoubleDelta, ZSTD(1)),
    sequence UInt32 CODEC(DoubleDelta, ZSTD(1)),
    price Decimal(18, 4) CODEC(T64, ZSTD(1)),
    volume Int64 CODEC(T64, ZSTD(1)),
    direction Int8 CODEC(ZSTD(1)),
    source Int8 CODEC(ZSTD(1)),
    version UInt64 CODEC(DoubleDelta, ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    request_id String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1))
)
ENGINE = {{replacing:version}}
PARTITION BY toYYYYMM(timestamp)
ORDER BY (code, timestamp, sequence, source)
SETTINGS {{deduplication}};
