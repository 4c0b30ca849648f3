import { Temporal } from "temporal-polyfill";

import type { Clock } from "../../base/clock.ts";
import { DataError } from "../../base/errors.ts";
import { dayAt, parseDay, type Day } from "../../domain/day.ts";
import { MARKETS, marketOf } from "../../domain/market.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { Inquiry, Question } from "../../ports/source.ts";
import type { HttpAnswer } from "../http/client.ts";
import { isRecord } from "../http/json-text.ts";
import { RowError, show } from "../read-cells.ts";
import type { Chart } from "./chart.ts";
import { readAnswer } from "./client.ts";
import { toFaultError } from "./errors.ts";
import { amountOf } from "./factors.ts";
import { createDayClock, ratiosOf } from "./mapping.ts";
import { ONE, roundTo } from "./ratio.ts";
import { recoverPrice } from "./recover.ts";
import { currencyOf, toWireSymbol } from "./symbols.ts";

type Answer = Readonly<Record<string, string>>;

export interface InquiryParts {
  readonly clock: Clock;
  /** Daily bars and all events of a code from a day up to now; undefined where there are none. */
  readonly chartFrom: (code: SecurityCode, from: Day, signal: AbortSignal) => Promise<Chart | undefined>;
  readonly askInSession: (path: string, doing: string, signal: AbortSignal) => Promise<HttpAnswer>;
}

/** Before anything the provider has. */
const BEFORE_ALL = parseDay("1900-01-01");
/** Symbols of one request for quotes. */
const QUOTE_CODES_MAX = 50;

/** What a person may ask beside the data sets. */
export function createInquiries(parts: InquiryParts): readonly Inquiry[] {
  const ofEvents = (
    name: string,
    help: string,
    list: (chart: Chart, code: SecurityCode) => readonly Dated[],
  ): Inquiry => ({
    name,
    help,
    wants: ["codes", "range"],
    ask: async ({ codes, from = BEFORE_ALL, to }, signal) => {
      const answers: Answer[] = [];
      for (const code of codes) {
        const last = to ?? dayAt(parts.clock.now(), MARKETS[marketOf(code)].zone);
        const chart = await parts.chartFrom(code, from, signal);
        const dated = chart === undefined ? [] : readAll(() => list(chart, code));
        const wanted = dated.filter(({ day }) => day >= from && day <= last);
        answers.push(...wanted.toSorted(byDay).map(({ day, values }) => ({ code, exDay: day, ...values })));
      }
      return answers;
    },
  });

  return [
    ofEvents("dividends", "dividends and distributed gains as they were paid on a share of their ex-day", listPayments),
    ofEvents("splits", "splits and share bonuses, as shares after for shares before", listSplits),
    {
      name: "quotes",
      help: "the latest price of codes, minutes late where the exchange says so",
      wants: ["codes"],
      ask: (question, signal) => askQuotes(question, parts, signal),
    },
  ];
}

/** What rejects a row elsewhere ends the question here: a person is told rather than given a part. */
function readAll<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RowError ? new DataError(`asking yahoo: ${error.message}`, "", { cause: error }) : error;
  }
}

interface Dated {
  readonly day: Day;
  readonly values: Answer;
}

function byDay(left: Dated, right: Dated): number {
  return left.day < right.day ? -1 : left.day > right.day ? 1 : 0;
}

function listPayments(chart: Chart, code: SecurityCode): readonly Dated[] {
  const market = marketOf(code);
  const dayOf = createDayClock(market);
  const ratioAfter = ratiosOf(chart.splits, market);
  return chart.payments.map((payment) => {
    const day = dayOf(payment.stamp);
    const currency = payment.currency ?? currencyOf(code);
    // Money of any currency is told, but not counted with.
    return { day, values: { amount: amountOf({ ...payment, currency: undefined }, ratioAfter(day), code), currency } };
  });
}

function listSplits(chart: Chart, code: SecurityCode): readonly Dated[] {
  const dayOf = createDayClock(marketOf(code));
  return chart.splits.map(({ stamp, ratio }) => ({
    day: dayOf(stamp),
    values: {
      sharesAfter: `${ratio.numerator}`,
      sharesBefore: `${ratio.denominator}`,
      ratio: roundTo(ratio, 8),
    },
  }));
}

async function askQuotes(
  { codes }: Question,
  { askInSession }: InquiryParts,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const doing = "reading quotes from yahoo";
  for (let at = 0; at < codes.length; at += QUOTE_CODES_MAX) {
    const bySymbol = new Map(codes.slice(at, at + QUOTE_CODES_MAX).map((code) => [toWireSymbol(code), code]));
    const query = new URLSearchParams({ symbols: [...bySymbol.keys()].join(",") });
    const answer = readAnswer(
      await askInSession(`v7/finance/quote?${query.toString()}`, doing, signal),
      "quoteResponse",
      doing,
    );
    if ("fault" in answer) {
      throw toFaultError(answer.status, answer.fault, doing);
    }
    for (const row of Array.isArray(answer.result) ? answer.result : []) {
      const code = isRecord(row) && typeof row["symbol"] === "string" ? bySymbol.get(row["symbol"]) : undefined;
      if (!isRecord(row) || code === undefined) {
        throw new DataError(
          `${doing}: a quote of a code that was not asked for (${show(isRecord(row) ? row["symbol"] : row)})`,
        );
      }
      answers.push(toQuote(row, code, doing));
    }
  }
  return answers;
}

const QUOTE_PRICES = {
  price: "regularMarketPrice",
  open: "regularMarketOpen",
  high: "regularMarketDayHigh",
  low: "regularMarketDayLow",
  preClose: "regularMarketPreviousClose",
} as const;

/** DataError on a cell that cannot be read. */
function toQuote(row: Readonly<Record<string, unknown>>, code: SecurityCode, doing: string): Answer {
  const text = (name: string): string => {
    const cell = row[name];
    if (cell !== undefined && cell !== null && typeof cell !== "string") {
      throw new DataError(`${doing}: ${name} of ${code} is no text: ${show(cell)}`);
    }
    return cell ?? "";
  };
  const prices = Object.entries(QUOTE_PRICES).map(([name, wire]) => [
    name,
    text(wire) === "" ? "" : recoverPrice(text(wire), ONE, wire),
  ]);
  return {
    code,
    name: text("longName") || text("shortName"),
    time: toTime(text("regularMarketTime"), code),
    ...Object.fromEntries(prices),
    volume: text("regularMarketVolume"),
    currency: text("currency"),
    state: text("marketState"),
  };
}

/** The wall clock of the code's market. */
function toTime(stamp: string, code: SecurityCode): string {
  if (stamp === "") {
    return "";
  }
  if (!/^\d{1,10}$/.test(stamp)) {
    throw new DataError(`reading quotes from yahoo: no time of ${code}: ${show(stamp)}`);
  }
  return Temporal.Instant.fromEpochMilliseconds(Number.parseInt(stamp, 10) * 1_000)
    .toZonedDateTimeISO(MARKETS[marketOf(code)].zone)
    .toPlainDateTime()
    .toString()
    .replace("T", " ");
}
