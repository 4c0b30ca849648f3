import { compactDay, type Day } from "../../domain/day.ts";
import { fixedText } from "../decimal-text.ts";
import type { AkshareListing, TickLine } from "./akshare-data.ts";
import { textAnswer, type Answer } from "./answer.ts";
import { ratioText } from "./decimal-text.ts";
import { lotsText } from "./eastmoney-bars.ts";
import { closeBefore } from "./eastmoney-ticks.ts";
import { codeOfPrefixed, findListing, numberOf, prefixedOf, type Inquiry } from "./inquiry.ts";
import { spoilRows } from "./spoil.ts";
import type { View } from "./view.ts";

const PAGE_ROWS = 70;

/** `/data/index.php`: a page of the latest day's prints, or what the pages are. An empty body ends them. */
export function tickAnswer(inquiry: Inquiry): Answer {
  const { query, view, fault } = inquiry;
  const code = codeOfPrefixed(query.get("c") ?? "");
  const listing = code === undefined ? undefined : findListing(inquiry, [code]);
  const days = listing === undefined ? [] : view.daysOf(listing);
  const day = days.at(-1)?.day;
  if (query.get("appn") !== "detail" || listing === undefined || day === undefined || fault?.kind === "null-data") {
    return textAnswer("");
  }
  if (query.get("action") === "data") {
    return pageAnswer(inquiry, listing, day);
  }
  return query.get("action") === "info" ? infoAnswer(inquiry, listing, day, days.at(-2)?.day) : textAnswer("");
}

function pageAnswer(inquiry: Inquiry, listing: AkshareListing, day: Day): Answer {
  const { query, view, fault } = inquiry;
  const asked = numberOf(query.get("p"), 0);
  const shift = fault?.kind === "page-shift" ? fault.by : 0;
  const page = Math.max(0, asked + shift);
  const rows = spoilRows(tickRows(view, listing, day).slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS), fault);
  return textAnswer(
    rows.length === 0 ? "" : `v_detail_data_${prefixedOf(listing.code)}=[${asked},"${rows.join("|")}"]`,
    rows.length,
  );
}

function infoAnswer(inquiry: Inquiry, listing: AkshareListing, day: Day, before: Day | undefined): Answer {
  const told = inquiry.fault?.kind === "previous-day" ? (before ?? day) : day;
  const ticks = listing.ticks(told);
  const spans: string[] = [];
  for (let from = 0; from < ticks.length; from += PAGE_ROWS) {
    spans.push(`${ticks[from]?.time}~${ticks[Math.min(from + PAGE_ROWS, ticks.length) - 1]?.time}`);
  }
  return textAnswer(
    `v_detail_time_${prefixedOf(listing.code)}=[${compactDay(told)},"${spans.join("|")}"]`,
    spans.length,
  );
}

const SIDES: Readonly<Record<TickLine["side"], string>> = { buy: "B", sell: "S", neutral: "M" };

/** `sequence/time/price/change to the row before/volume/amount/side`, of a whole day. */
export function tickRows(view: View, listing: AkshareListing, day: Day): readonly string[] {
  const price = (milli: number): string => fixedText(listing.decimals === 2 ? milli / 10 : milli, listing.decimals);
  let before = closeBefore(view, listing, day);
  return listing.ticks(day).map((tick, sequence) => {
    const change = price(before === undefined ? 0 : tick.priceMilli - before);
    before = tick.priceMilli;
    return [
      sequence,
      tick.time,
      price(tick.priceMilli),
      change,
      lotsText(tick),
      ratioText(tick.turnoverCents, 100, 0),
      SIDES[tick.side],
    ].join("/");
  });
}
