-- Instruments and the trading calendar; small, hence without partitions.
CREATE TABLE IF NOT EXISTS {{table:stock_info_row}}
(
    code String,
    code_name String,
    industry String,
    currency Int8,
    market Int8,
    status LowCardinality(String),
    list_date Date,
    delist_date Nullable(Date),
    source Int8 CODEC(ZSTD(1)),
    version UInt64 CODEC(DoubleDelta, ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    request_id String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1))
)
ENGINE = {{replacing:version}}
ORDER BY (code, source)
SETTINGS {{deduplication}};

CREATE TABLE IF NOT EXISTS {{table:trade_day_row}}
(
    market Int8 CODEC(ZSTD(1)),
    trading_day Date CODEC(DoubleDelta, ZSTD(1)),
    timestamp DateTime('Asia/Shanghai') CODEC(DoubleDelta, ZSTD(1)),
    is_open Bool,
    source Int8 CODEC(ZSTD(1)),
    version UInt64 CODEC(DoubleDelta, ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    request_id String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1))
)
ENGINE = {{replacing:version}}
ORDER BY (market, trading_day, source)
SETTINGS {{deduplication}};
