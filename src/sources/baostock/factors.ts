import type { Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { BaostockClient } from "./client.ts";
import { toFactorsRequest, type PageWanted } from "./requests.ts";
import type { BaostockTable, Cell } from "./table.ts";

/** Looks at factors of a code that may be short, the first one among them. */
const LOOKS_MAX = 3;

/**
 * All events of a code up to `today`. A list that came empty or without its end says the same as one of a code that had no
 * event, and every price behind it would be wrong for good. But the newest event's forward factor is 1 by definition: a
 * list that ends so is whole at once. Any other, also an empty one, is asked for again, and the longest is taken: some
 * codes have no event at all, and an event may be announced before its day.
 */
export async function fetchFactors(
  client: Pick<BaostockClient, "call">,
  code: SecurityCode,
  today: Day,
  page: PageWanted,
  signal: AbortSignal,
): Promise<BaostockTable> {
  const request = toFactorsRequest(code, today, page);
  let longest: BaostockTable | undefined;
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const table = await client.call(request, signal);
    if (longest === undefined || table.items.length > longest.items.length) {
      longest = table;
    }
    if (endsWithNewest(table) || page.number > 1) {
      return table;
    }
  }
  return longest ?? { fields: [], items: [] };
}

const ONE = /^1(?:\.0*)?$/;

function endsWithNewest({ fields, items }: BaostockTable): boolean {
  const [dayAt = -1, forwardAt = -1] = ["dividOperateDate", "foreAdjustFactor"].map((name) => fields.indexOf(name));
  const newest = items
    .map((item) => ({ day: textOf(item[dayAt]), forward: textOf(item[forwardAt]) }))
    .toSorted((left, right) => (left.day < right.day ? -1 : 1))
    .at(-1);
  return newest !== undefined && ONE.test(newest.forward);
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : "";
}
