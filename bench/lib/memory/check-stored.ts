import type { BenchRig } from "../worker/bench-rig.ts";
import type { BarSums } from "./big-market.ts";
import type { ProviderEnd } from "./big-provider.ts";

/** Codes and days whose bars are not those of the market: their number, or the sum of a column. */
export async function countWrongSums(rig: BenchRig, truth: ProviderEnd): Promise<number> {
  const years = [...new Set(truth.byDay.map(([day]) => day.slice(0, 4)))].toSorted();
  const byCode = new Map<string, BarSums>();
  const byDay = new Map<string, BarSums>();
  // A year is a partition: the engine need not hold all of them at once to leave out old versions.
  for (const year of years) {
    for (const { name, ...sums } of await readSums(rig, "toString(bar.code)", year)) {
      byCode.set(name, add(byCode.get(name), sums));
    }
    for (const { name, ...sums } of await readSums(rig, "toString(bar.trading_day)", year)) {
      byDay.set(name, sums);
    }
  }
  return countWrong(byCode, truth.byCode) + countWrong(byDay, truth.byDay);
}

type NamedSums = BarSums & { readonly name: string };

async function readSums(rig: BenchRig, name: string, year: string): Promise<readonly NamedSums[]> {
  const cents = (column: string): string => `toString(sum(toInt64(bar.${column} * 100))) AS ${column}_sum`;
  const rows = await rig.select<Record<string, string>>(
    `SELECT ${name} AS name, toString(count()) AS bars, ${["open", "high", "low", "close"].map(cents).join(", ")},
     toString(sum(bar.volume)) AS volume_sum, toString(sum(toInt128(assumeNotNull(bar.amount) * 100))) AS amount_sum
     FROM @bar AS bar WHERE bar.frequency = 1 AND bar.trading_day >= '${year}-01-01' AND bar.trading_day <= '${year}-12-31'
     GROUP BY name`,
  );
  return rows.map((row) => ({
    name: row["name"] ?? "",
    bars: Number.parseInt(row["bars"] ?? "", 10),
    open: row["open_sum"] ?? "",
    high: row["high_sum"] ?? "",
    low: row["low_sum"] ?? "",
    close: row["close_sum"] ?? "",
    volume: row["volume_sum"] ?? "",
    amount: row["amount_sum"] ?? "",
  }));
}

function add(left: BarSums | undefined, right: BarSums): BarSums {
  if (left === undefined) {
    return right;
  }
  const sum = (name: "open" | "high" | "low" | "close" | "volume" | "amount"): string =>
    String(BigInt(left[name]) + BigInt(right[name]));
  return {
    bars: left.bars + right.bars,
    open: sum("open"),
    high: sum("high"),
    low: sum("low"),
    close: sum("close"),
    volume: sum("volume"),
    amount: sum("amount"),
  };
}

function countWrong(stored: ReadonlyMap<string, BarSums>, truth: ProviderEnd["byCode"]): number {
  const known = new Set(truth.map(([name]) => name));
  const strangers = [...stored.keys()].filter((name) => !known.has(name)).length;
  return (
    strangers +
    truth.filter(([name, sums]) => JSON.stringify(sort(stored.get(name))) !== JSON.stringify(sort(sums))).length
  );
}

/** A code or a day without a bar is in no answer. */
function sort(sums: BarSums | undefined): readonly (number | string)[] {
  const { bars, open, high, low, close, volume, amount } = sums ?? NOTHING;
  return [bars, open, high, low, close, volume, amount];
}

const NOTHING: BarSums = { bars: 0, open: "0", high: "0", low: "0", close: "0", volume: "0", amount: "0" };
