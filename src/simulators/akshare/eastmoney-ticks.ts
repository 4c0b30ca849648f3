import type { Day } from "../../domain/day.ts";
import { fixedText } from "../decimal-text.ts";
import type { AkshareListing, TickLine } from "./akshare-data.ts";
import type { Answer } from "./answer.ts";
import { floatText } from "./decimal-text.ts";
import { askedColumns, eastmoneyAnswer, eastmoneyText, listingOfSecid, secidOf } from "./eastmoney.ts";
import { lotsText } from "./eastmoney-bars.ts";
import type { Inquiry } from "./inquiry.ts";
import { NumberText, type JsonValue } from "./json-text.ts";
import { spoilCells, spoilRows } from "./spoil.ts";
import type { View } from "./view.ts";

const ENVELOPE = { rt: 12, full: 1 } as const;

/** `/api/qt/stock/details/get`: every print of the latest day. */
export function detailsAnswer(inquiry: Inquiry): Answer {
  const { data, rows } = detailsData(inquiry);
  return eastmoneyAnswer(inquiry, ENVELOPE, data, rows);
}

/** `/api/qt/stock/details/sse`: the same as the first event of a stream. */
export function detailsStream(inquiry: Inquiry): Answer {
  const { data, rows } = detailsData(inquiry);
  return {
    status: 200,
    contentType: "text/event-stream; charset=UTF-8",
    body: `data: ${eastmoneyText(inquiry, ENVELOPE, data)}\n\n`,
    isStream: true,
    rows,
  };
}

/** The event that says that the stream still stands. */
export const HEARTBEAT = `data: {"rc":0,"rt":${ENVELOPE.rt},"svr":183641822,"lt":1,"full":1,"dlmkts":"","dsc":"0","data":null}\n\n`;

const COLUMNS = ["f51", "f52", "f53", "f54", "f55"] as const;
type Cells = Readonly<Record<(typeof COLUMNS)[number], string>>;

function detailsData(inquiry: Inquiry): { readonly data: JsonValue; readonly rows: number } {
  const { view, query, fault } = inquiry;
  const listing = listingOfSecid(inquiry);
  if (listing === undefined) {
    return { data: null, rows: 0 };
  }
  const day = view.lastDay;
  const columns = askedColumns(query.get("fields2"), COLUMNS);
  const cells = spoilCells(
    spoilRows(day === undefined ? [] : detailsOf(listing, day), fault).map((row) =>
      columns.map((column) => row[column]),
    ),
    fault,
  );
  const { market, digits } = secidOf(listing);
  const data = {
    code: digits,
    market,
    decimal: listing.decimals,
    prePrice: new NumberText(floatText(fixedText(closeBefore(view, listing, day) ?? 0, 3))),
    details: cells.map((row) => row.join(",")),
  };
  return { data, rows: cells.length };
}

const SIDES = { sell: "1", buy: "2", neutral: "4" } as const;
/** When the auction shows what it would come to. */
const INDICATIVE = ["09:15:00", "09:18:03", "09:20:00", "09:22:30", "09:24:57"] as const;

/** Prints of a day, before them what the auction showed on the way. */
export function detailsOf(listing: AkshareListing, day: Day): readonly Cells[] {
  const ticks = listing.ticks(day);
  const [first] = ticks;
  const row = (tick: TickLine, time: string, trades: number, side: string): Cells => ({
    f51: time,
    f52: fixedText(listing.decimals === 2 ? tick.priceMilli / 10 : tick.priceMilli, listing.decimals),
    f53: lotsText(tick),
    f54: String(trades),
    f55: side,
  });
  const indicative = first === undefined ? [] : INDICATIVE.map((time) => row(first, time, 0, SIDES.neutral));
  return [...indicative, ...ticks.map((tick) => row(tick, tick.time, tick.trades, SIDES[tick.side]))];
}

/** In thousandths; undefined before the first day. */
export function closeBefore(view: View, listing: AkshareListing, day: Day | undefined): number | undefined {
  return view.daysOf(listing).findLast((line) => day !== undefined && line.day < day)?.closeMilli;
}
