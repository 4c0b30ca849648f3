import { compactDay } from "../../domain/day.ts";
import { isIntraday, type Frequency } from "../../domain/frequency.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import type { DataSet } from "../../domain/rows.ts";
import { exchangeOf } from "../../domain/security-code.ts";
import type { Call, Selection } from "../../domain/unit.ts";
import type { Capability } from "../../ports/source.ts";

/** What a call asks the server for. `rowsMax` is the server's cap: a page after the first names it. */
export function toParams(
  { dataSet, frequency, selection, offset }: Call,
  rowsMax: number,
): Readonly<Record<string, string>> {
  const paging = offset === undefined ? {} : { offset: `${offset}`, limit: `${rowsMax}` };
  const days = isIntraday(frequency) ? toTimes(selection, frequency) : toDays(selection);
  return { ...API_PARAMS[dataSet], ...days, ...paging };
}

/** The capability that a call is for. Throws RangeError on a call that the source never offered: the caller's defect. */
export function capabilityOf(capabilities: readonly Capability[], { dataSet, frequency, selection }: Call): Capability {
  const offers = capabilities.filter((offer) => offer.dataSet === dataSet && offer.frequency === frequency);
  const codes = selection.by === "codes" ? selection.codes : [];
  const capability = offers.find(
    (offer) =>
      (selection.by !== "day" || offer.byDay) &&
      codes.every((code) => offer.kinds.includes(kindOf(code)) && offer.exchanges.includes(exchangeOf(code))),
  );
  if (capability === undefined || !SELECTIONS[dataSet].includes(selection.by)) {
    const what = codes.length === 0 ? "" : ` of ${codes.slice(0, 3).join(", ")}`;
    throw new RangeError(`calling tushare: it has no ${dataSet} at ${frequency} by ${selection.by}${what}`);
  }
  if (selection.by === "codes" && (codes.length === 0 || codes.length > capability.codesMax)) {
    throw new RangeError(
      `calling tushare ${capability.api}: expected 1 to ${capability.codesMax} codes, got ${codes.length}`,
    );
  }
  return capability;
}

/** What every call of a data set says beside its selection. */
const API_PARAMS: { readonly [D in DataSet]: Readonly<Record<string, string>> } = {
  bars: {},
  "adjustment-factors": {},
  "stock-list": {},
  "trading-calendar": { exchange: "SSE" },
  suspensions: { suspend_type: "S" },
  ticks: {},
};

const LIST_STATUS_LETTERS = { listed: "L", delisted: "D", paused: "P" } as const;

const SELECTIONS: { readonly [D in DataSet]: readonly Selection["by"][] } = {
  bars: ["codes", "day"],
  "adjustment-factors": ["codes", "day"],
  "stock-list": ["status"],
  "trading-calendar": ["range"],
  suspensions: ["codes", "day", "range"],
  ticks: [],
};

function toDays(selection: Selection): Readonly<Record<string, string>> {
  if (selection.by === "status") {
    return { list_status: LIST_STATUS_LETTERS[selection.status] };
  }
  if (selection.by === "day") {
    return { trade_date: compactDay(selection.day) };
  }
  const dates = { start_date: compactDay(selection.from), end_date: compactDay(selection.to) };
  return selection.by === "codes" ? { ts_code: selection.codes.join(","), ...dates } : dates;
}

/** The provider's letters for minutes. */
const WIRE_FREQUENCIES: Readonly<Partial<Record<Frequency, string>>> = {
  "1m": "1min",
  "5m": "5min",
  "15m": "15min",
  "30m": "30min",
  "60m": "60min",
};

/** Both ends with their time: an end without one is midnight, and its day would be left out. */
function toTimes(selection: Selection, frequency: Frequency): Readonly<Record<string, string>> {
  const freq = WIRE_FREQUENCIES[frequency];
  if (selection.by !== "codes" || freq === undefined) {
    throw new RangeError(`calling tushare stk_mins: it has no bars at ${frequency} by ${selection.by}`);
  }
  return {
    ts_code: selection.codes.join(","),
    freq,
    start_date: `${selection.from} 00:00:00`,
    end_date: `${selection.to} 23:59:59`,
  };
}
