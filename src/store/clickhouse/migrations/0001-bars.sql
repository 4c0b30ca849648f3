-- Bars of every frequency and source. Only ever inserted into; of rows equal in the key the greatest version wins.
-- The partition is a function of the key, so that versions of a row always meet in one partition.
CREATE TABLE IF NOT EXISTS {{table:bar_row}}
(
    code LowCardinality(String),
    frequency Int8 CODEC(ZSTD(1)),
    timestamp DateTime('Asia/Shanghai') CODEC(DoubleDelta, ZSTD(1)),
    trading_day Date CODEC(DoubleDelta, ZSTD(1)),
    zone LowCardinality(String),
    open Decimal(18, 4) CODEC(T64, ZSTD(1)),
    high Decimal(18, 4) CODEC(T64, ZSTD(1)),
    low Decimal(18, 4) CODEC(T64, ZSTD(1)),
    close Decimal(18, 4) CODEC(T64, ZSTD(1)),
    pre_close Nullable(Decimal(18, 4)) CODEC(T64, ZSTD(1)),
    volume Int64 CODEC(T64, ZSTD(1)),
    amount Nullable(Decimal(20, 4)) CODEC(ZSTD(1)),
    source Int8 CODEC(ZSTD(1)),
    flags UInt32 CODEC(T64, ZSTD(1)),
    version UInt64 CODEC(DoubleDelta, ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    request_id String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1))
)
ENGINE = {{replacing:version}}
PARTITION BY if(frequency IN (1, 9, 10, 11, 12), toYear(timestamp), toYYYYMM(timestamp))
ORDER BY (code, frequency, timestamp, source)
SETTINGS {{deduplication}};
