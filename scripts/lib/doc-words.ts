import type { LedgerState } from "../../src/domain/ledger.ts";
import type { OutcomeWord } from "../../src/domain/outcome.ts";
import type { BAR_FLAGS, RejectReason, TICK_FLAGS } from "../../src/domain/rows.ts";
import type { Command } from "../../src/domain/command.ts";

/** What the words of the domain mean to an operator. The types see to it that none is left out. */

export const LEDGER_WORDS: Readonly<Record<LedgerState, string>> = {
  present: "the bar is stored and final",
  "no-trade": "bars: a complete answer has rows before and after the day, and none for it",
  suspended: "a suspension list names the day",
  "before-listing": "the security was not listed yet",
  "after-delisting": "the security was listed no longer",
  pending: "not published yet; the entry says from when on it is worth asking again",
  "unexplained-empty":
    "an answer had no row and nothing explains why, or a request named the day and no provider of the chain keeps it any more; a warning, counted as missing",
  failed: "a row came and was rejected; see the quarantine table",
};

export const OUTCOME_WORDS: Readonly<Record<OutcomeWord, string>> = {
  stored: "rows were written, or found equal to what is stored",
  "up-to-date": "nothing was missing; no provider was called",
  pending: "some days are not published yet; everything else is stored",
  unexplained:
    "some days stay empty: nothing explains it, a row was rejected, or nobody of the chain keeps them; everything else is stored",
  ignored: "the command is another component's",
  "dead-letter": "the message was set aside with a reason",
};

export const REJECT_WORDS: Readonly<Record<RejectReason, string>> = {
  "not-parseable": "a cell is missing or is not what the column holds",
  "price-not-positive": "a price is zero or below",
  "volume-not-whole": "the volume is not a whole number of shares",
  "wrong-code": "the row is of a security that was not asked for",
  "conflicting-rows": "two rows of one key have different values",
  "future-day": "the day lies in the future",
  "out-of-range": "a value does not fit its column, or the day was not asked for",
  "store-refused": "the store refused this row when it stood alone",
};

export const FLAG_WORDS: Readonly<Record<keyof typeof BAR_FLAGS, string>> = {
  ohlcOrder: "open or close lies outside low and high, or low above high",
  jump: "the close is far from the previous close",
  turnoverRange: "turnover ÷ volume lies outside low and high",
  dayNotInCalendar: "the trading calendar does not have the day",
  auction: "the row of the opening auction",
  noTurnover: "the provider gives no turnover; `amount` is NULL in `bar_row` and 0 in `bar`",
  built: "built by the worker from shorter bars",
};

export const TICK_FLAG_WORDS: Readonly<Record<keyof typeof TICK_FLAGS, string>> = {
  auction: "matched in an opening or closing call auction",
  snapshot: "an indicative price of an auction under way; not shown",
  afterHours: "traded at the fixed price after the close",
  cancel: "an order that was taken back; not shown",
  removed: "a later complete answer of the day does not have it any more; not shown",
};

export const COMMAND_WORDS: Readonly<Record<Command["kind"], string>> = {
  "sync-bars": "brings bars of the codes up to date",
  "sync-ticks": "brings whole days of ticks of the codes up to date",
  "sync-adjustment-factors": "brings adjustment factors of the codes up to date",
  "sync-stock-list": "brings the stock list up to date",
  "sync-trading-calendar": "brings the trading calendar up to date",
  beat: "sends a heartbeat at once",
  ignore: "another component's: acknowledged and counted",
};
