import { parseDay } from "../../../src/domain/day.ts";
import { parseSecurityCode, type SecurityCode } from "../../../src/domain/security-code.ts";
import { toEastmoneyId, toPrefixedCode } from "../../../src/sources/akshare/codes.ts";
import { readKlines } from "../../../src/sources/akshare/eastmoney.ts";
import { mapBars, mapTicks, volumeUnitOf } from "../../../src/sources/akshare/mapping.ts";
import { readSinaBars, SINA_ROWS_MAX } from "../../../src/sources/akshare/sina.ts";
import { askTicks, TICK_PAGE_ROWS } from "../../../src/sources/akshare/tencent.ts";
import type { WireBar } from "../../../src/sources/akshare/wire-bar.ts";
import { checkedBars, checkedTicks, toThousandths, type Checksum, type DecodeCase } from "./decode-case.ts";
import { readDays, readFiveMinutes, recordedSums, type RecordedBar } from "./recorded-bars.ts";
import { readRecordedTicks } from "./recorded-ticks.ts";
import { scriptedUpstream } from "./scripted-upstream.ts";

const BANK = parseSecurityCode("000001.SZ");
const PUDONG = parseSecurityCode("600000.SH");
/** What Eastmoney keeps of five minutes: some 1,600 rows. */
const FIVE_MINUTES = 1_600;
const TICK_DAY = parseDay("2024-01-15");
const TICK_PAGES = 60;
const DOING = "reading";

/** Bars and ticks that other providers recorded, in the forms of the upstreams' recorded answers. */
export async function akshareCases(data: string): Promise<readonly DecodeCase[]> {
  const days = await readDays(data);
  const minutes = await readFiveMinutes(data, FIVE_MINUTES);
  return [
    eastmoneyCase(days, BANK, "1d"),
    eastmoneyCase(minutes, PUDONG, "5m"),
    sinaCase(days.slice(-SINA_ROWS_MAX)),
    await tencentCase(data),
  ];
}

function eastmoneyCase(bars: readonly RecordedBar[], code: SecurityCode, frequency: "1d" | "5m"): DecodeCase {
  const id = toEastmoneyId(code);
  const lots = bars.map(({ shares }) => (shares + 50n) / 100n);
  // Four columns of change, which nobody reads.
  const klines = bars.map(
    ({ day, endsAt, open, high, low, close, yuan }, index) =>
      `${day}${endsAt === undefined ? "" : ` ${endsAt}`},${open},${close},${high},${low},${lots[index]},${yuan}.00,2.96,1.64,0.10,1.03`,
  );
  const about = { code: id.digits, market: Number(id.market), name: "平安银行", decimal: 2, dktotal: bars.length };
  const body = Buffer.from(
    JSON.stringify({ rc: 0, rt: 17, svr: 1, lt: 1, full: 0, data: { ...about, preKPrice: 0, klines } }),
  );
  return barsCase({
    code,
    frequency,
    api: "eastmoney",
    form: "Eastmoney's lines",
    body,
    expected: { ...recordedSums(bars), counts: lots.reduce((sum, count) => sum + count * 100n, 0n) },
    read: (text) => readKlines(text, id, DOING) ?? [],
  });
}

function sinaCase(bars: readonly RecordedBar[]): DecodeCase {
  const rows = bars.map(({ day, open, high, low, close, shares, yuan }) => ({
    day,
    open,
    high,
    low,
    close,
    volume: `${shares}`,
    amount: `${yuan}.0000`,
  }));
  return barsCase({
    code: BANK,
    frequency: "1d",
    api: "sina",
    form: "Sina's rows",
    body: Buffer.from(JSON.stringify(rows)),
    expected: recordedSums(bars),
    read: (text) => readSinaBars(text, DOING),
  });
}

interface BarsAnswer {
  readonly code: SecurityCode;
  readonly frequency: "1d" | "5m";
  readonly api: string;
  readonly form: string;
  readonly body: Buffer;
  readonly expected: Checksum;
  readonly read: (text: string) => readonly WireBar[];
}

const ALWAYS = { from: parseDay("1990-12-19"), to: parseDay("2026-12-31") };

function barsCase({ code, frequency, api, form, body, expected, read }: BarsAnswer): DecodeCase {
  return {
    provider: "akshare",
    dataSet: "bars",
    frequency,
    form,
    bytes: body.length,
    expected,
    decode: () => {
      const unit = volumeUnitOf(code, api, frequency);
      const { bars, rejected } = mapBars(read(new TextDecoder().decode(body)), { code, frequency, ...ALWAYS, unit });
      return checkedBars(bars, rejected, code, frequency);
    },
  };
}

/** A day of sixty pages, a print every three seconds: the recorded ticks in turn. */
async function tencentCase(data: string): Promise<DecodeCase> {
  const recorded = await readRecordedTicks(data);
  const symbol = toPrefixedCode(BANK);
  const prints = Array.from({ length: TICK_PAGES * TICK_PAGE_ROWS }, (_, sequence) => {
    const { price, lots, side } = recorded[sequence % recorded.length] ?? { price: "", lots: "", side: "" };
    const yuan = (toThousandths(price) * BigInt(lots)) / 10n;
    const time = clockOf(sequence);
    return { time, price, lots, row: `${sequence}/${time}/${price}/0.00/${lots}/${yuan}/${side}` };
  });
  const pages = Array.from({ length: TICK_PAGES }, (_, page) =>
    prints.slice(page * TICK_PAGE_ROWS, (page + 1) * TICK_PAGE_ROWS),
  );
  const spans = pages.map((page) => `${page[0]?.time}~${page.at(-1)?.time}`);
  const info = Buffer.from(`v_detail_time_${symbol}=[${TICK_DAY.replaceAll("-", "")},"${spans.join("|")}"]`);
  const bodies = pages.map((page, number) =>
    Buffer.from(`v_detail_data_${symbol}=[${number},"${page.map(({ row }) => row).join("|")}"]`),
  );
  const client = scriptedUpstream(({ query = [] }) => {
    const page = query.find(([name]) => name === "p")?.[1];
    return page === undefined ? info : bodies[Number.parseInt(page, 10)];
  });
  const never = new AbortController().signal;
  return {
    provider: "akshare",
    dataSet: "ticks",
    frequency: "1d",
    form: "Tencent's pages of a day",
    bytes: [info, ...bodies].reduce((sum, { length }) => sum + length, 0),
    expected: {
      rows: prints.length,
      values: prints.reduce((sum, { price }) => sum + toThousandths(price), 0n),
      counts: prints.reduce((sum, { lots }) => sum + BigInt(lots) * 100n, 0n),
    },
    decode: async () => {
      const wire = await askTicks(client, { code: BANK, day: TICK_DAY }, never);
      const { ticks, rejected } = mapTicks(wire, BANK, TICK_DAY);
      return checkedTicks(ticks, rejected, BANK);
    },
  };
}

const MORNING_PRINTS = 2_400;

/** Every three seconds from 09:30:00, and from 13:00:00. */
function clockOf(print: number): string {
  const second = print < MORNING_PRINTS ? 34_200 + 3 * print : 46_800 + 3 * (print - MORNING_PRINTS);
  const parts = [Math.floor(second / 3_600), Math.floor(second / 60) % 60, second % 60];
  return parts.map((part) => part.toString().padStart(2, "0")).join(":");
}
