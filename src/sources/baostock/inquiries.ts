import { parseDecimal } from "../../base/decimal.ts";
import { DataError } from "../../base/errors.ts";
import type { Day } from "../../domain/day.ts";
import type { Inquiry, Question } from "../../ports/source.ts";
import type { BaostockClient } from "./client.ts";
import { parseWireCode } from "./mapping.ts";
import { PAGES_MAX } from "./paging.ts";
import {
  toBarsRequest,
  toDividendsRequest,
  toIndustryRequest,
  toSecuritiesRequest,
  type PageWanted,
} from "./requests.ts";
import type { BaostockRequest, BaostockTable, Cell } from "./table.ts";

type Answer = Readonly<Record<string, string>>;
/** Our name of a column, the provider's, and how its cells are written here. */
type Column = readonly [name: string, wire: string, write: (text: string) => string];

/** What a person may ask beside the data sets. Each asks page by page until the answer is whole. */
export function createInquiries(client: BaostockClient, rowsByPage: number): readonly Inquiry[] {
  async function askAll(
    toRequest: (page: PageWanted) => BaostockRequest,
    columns: readonly Column[],
    signal: AbortSignal,
  ): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (let number = 1; number <= PAGES_MAX; number += 1) {
      const request = toRequest({ number, rows: rowsByPage });
      const table = await client.call(request, signal);
      answers.push(...toAnswers(table, columns, `reading ${request.method} of baostock`));
      if (table.items.length !== rowsByPage) {
        return answers;
      }
    }
    throw new DataError(`row-cap paradox: more than ${PAGES_MAX} pages`);
  }

  const longBars = (name: string, frequency: "1w" | "1M", help: string): Inquiry => ({
    name,
    help,
    wants: ["codes", "range"],
    needs: ["from"],
    ask: async (question, signal) => {
      const { from, to } = rangeOf(question);
      return inOrder(question.codes, (code) =>
        askAll((page) => toBarsRequest(code, frequency, from, to, page), BAR_COLUMNS, signal),
      );
    },
  });

  return [
    {
      name: "dividends",
      help: "dividends and share bonuses whose ex-day lies in the years of the range",
      wants: ["codes", "range"],
      needs: ["from"],
      ask: async (question, signal) => {
        const { from, to } = rangeOf(question);
        const asked = question.codes.flatMap((code) => yearsOf(from, to).map((year) => ({ code, year })));
        return inOrder(asked, ({ code, year }) =>
          askAll((page) => toDividendsRequest(code, year, page), DIVIDEND_COLUMNS, signal),
        );
      },
    },
    longBars("weekly-bars", "1w", "unadjusted bars of whole weeks"),
    longBars("monthly-bars", "1M", "unadjusted bars of whole months"),
    {
      name: "all-securities",
      help: "every security of a trading day, with its name and whether it traded",
      wants: ["day"],
      needs: ["day"],
      ask: ({ day }, signal) => {
        if (day === undefined) {
          throw new RangeError("asking baostock: expected a day");
        }
        return askAll((page) => toSecuritiesRequest(day, page), SECURITY_COLUMNS, signal);
      },
    },
    {
      name: "industries",
      help: "the industry of a share by the official classification",
      wants: ["codes"],
      ask: ({ codes }, signal) =>
        inOrder(codes, (code) => askAll((page) => toIndustryRequest(code, page), INDUSTRY_COLUMNS, signal)),
    },
  ];
}

const asText = (text: string): string => text;
const asCode = (text: string): string => parseWireCode(text);
const asNumber = (text: string): string => (text === "" ? "" : parseDecimal(text));

const BAR_COLUMNS: readonly Column[] = [
  ["code", "code", asCode],
  ["day", "date", asText],
  ["open", "open", asNumber],
  ["high", "high", asNumber],
  ["low", "low", asNumber],
  ["close", "close", asNumber],
  ["volume", "volume", asNumber],
  ["turnover", "amount", asNumber],
];

/** A share's cash after tax may be `0.288或0.32`, so the numbers of this table stay the provider's text. */
const DIVIDEND_COLUMNS: readonly Column[] = [
  ["code", "code", asCode],
  ["firstAnnouncedOn", "dividPreNoticeDate", asText],
  ["planAnnouncedOn", "dividPlanAnnounceDate", asText],
  ["meetingAnnouncedOn", "dividAgmPumDate", asText],
  ["finalAnnouncedOn", "dividPlanDate", asText],
  ["recordDay", "dividRegistDate", asText],
  ["exDay", "dividOperateDate", asText],
  ["payDay", "dividPayDate", asText],
  ["sharesTradeOn", "dividStockMarketDate", asText],
  ["cashPerShareBeforeTax", "dividCashPsBeforeTax", asText],
  ["cashPerShareAfterTax", "dividCashPsAfterTax", asText],
  ["bonusSharesPerShare", "dividStocksPs", asText],
  ["reserveSharesPerShare", "dividReserveToStockPs", asText],
  ["description", "dividCashStock", asText],
];

const SECURITY_COLUMNS: readonly Column[] = [
  ["code", "code", asCode],
  ["name", "code_name", asText],
  ["status", "tradeStatus", (text) => (text === "1" ? "trading" : text === "0" ? "suspended" : text)],
];

const INDUSTRY_COLUMNS: readonly Column[] = [
  ["code", "code", asCode],
  ["name", "code_name", asText],
  ["industry", "industry", asText],
  ["classification", "industryClassification", asText],
  ["updatedOn", "updateDate", asText],
];

/** DataError on a cell that cannot be read: a person who asks is told rather than given a part. */
function toAnswers({ fields, items }: BaostockTable, columns: readonly Column[], doing: string): readonly Answer[] {
  const places = columns.map(([name, wire, write]) => ({ name, write, at: fields.indexOf(wire) }));
  const missing = columns.filter((_, index) => places[index]?.at === -1).map(([, wire]) => wire);
  if (missing.length > 0) {
    throw new DataError(`${doing}: the answer lacks ${missing.join(", ")}`);
  }
  return items.map((item) =>
    Object.fromEntries(places.map(({ name, write, at }) => [name, write(requireText(item[at], name, doing))])),
  );
}

function requireText(cell: Cell, name: string, doing: string): string {
  if (typeof cell !== "string") {
    throw new DataError(`${doing}: ${name} is no text: ${JSON.stringify(cell)?.slice(0, 60)}`);
  }
  return cell;
}

/** One request after the other, since the provider answers no other way. */
async function inOrder<T>(
  list: readonly T[],
  ask: (item: T) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const item of list) {
    answers.push(...(await ask(item)));
  }
  return answers;
}

function rangeOf({ from, to }: Question): { readonly from: Day; readonly to: Day } {
  if (from === undefined || to === undefined) {
    throw new RangeError("asking baostock: expected a range of days");
  }
  return { from, to };
}

function yearsOf(from: Day, to: Day): readonly string[] {
  const first = Number.parseInt(from.slice(0, 4), 10);
  const last = Number.parseInt(to.slice(0, 4), 10);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => `${first + index}`);
}
