-- What a print may say beside price and volume. `sequence` is the place inside one `timestamp`, in the provider's order.
ALTER TABLE {{table:tick_row}}
    ADD COLUMN IF NOT EXISTS zone LowCardinality(String) DEFAULT 'Asia/Shanghai' AFTER trading_day,
    ADD COLUMN IF NOT EXISTS trades Nullable(UInt32) CODEC(T64, ZSTD(1)) AFTER volume,
    ADD COLUMN IF NOT EXISTS flags UInt32 CODEC(T64, ZSTD(1)) AFTER source;

-- How many ticks of a code, day and source stand, those that were removed left out. The views choose one source a day by
-- it, and what asks for days reads it, so that neither goes through the ticks.
CREATE TABLE IF NOT EXISTS {{table:tick_day_row}}
(
    code LowCardinality(String),
    trading_day Date CODEC(DoubleDelta, ZSTD(1)),
    source Int8 CODEC(ZSTD(1)),
    ticks UInt32 CODEC(T64, ZSTD(1)),
    version UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = {{replacing:version}}
ORDER BY (code, trading_day, source)
SETTINGS {{deduplication}};

-- Of ticks that are there already. The counts follow from them alone, so a table that went is filled again.
INSERT INTO {{rows:tick_day_row}}
SELECT code, trading_day, source, count(), max(version)
FROM {{rows:tick_row}} FINAL
WHERE bitAnd(flags, 16) = 0 AND (SELECT count() FROM {{rows:tick_day_row}}) = 0
GROUP BY code, trading_day, source;
