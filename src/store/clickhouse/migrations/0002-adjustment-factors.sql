-- Cumulative (backward) factors, one a trading day.
CREATE TABLE IF NOT EXISTS {{table:adjustfactor_row}}
(
    code LowCardinality(String),
    timestamp DateTime('Asia/Shanghai') CODEC(DoubleDelta, ZSTD(1)),
    trading_day Date CODEC(DoubleDelta, ZSTD(1)),
    factor Decimal(18, 8) CODEC(T64, ZSTD(1)),
    source Int8 CODEC(ZSTD(1)),
    version UInt64 CODEC(DoubleDelta, ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    request_id String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1))
)
ENGINE = {{replacing:version}}
PARTITION BY toYear(timestamp)
ORDER BY (code, timestamp, source)
SETTINGS {{deduplication}};
