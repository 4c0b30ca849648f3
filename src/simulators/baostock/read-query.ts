import { addDays, parseDay, type Day } from "../../domain/day.ts";
import {
  ADJUST_FLAGS,
  FREQUENCIES,
  YEAR_TYPES,
  type BaostockData,
  type BaostockKind,
  type BaostockQuery,
  type Frequency,
  type Published,
} from "./baostock-data.ts";
import { DAILY_FIELDS, type Method, type MethodName, type ParameterName } from "./methods.ts";
import { Refusal, type RefusalCode } from "./refusal.ts";

export interface ReadQuery {
  readonly query: BaostockQuery;
  /** Columns of the answer, in its order. */
  readonly columns: readonly string[];
  /** As the answer echoes them. */
  readonly page: string;
  readonly perPage: string;
  readonly rows: RowBounds;
}

export interface RowBounds {
  readonly from: number;
  readonly to: number;
}

/** Reads what follows method and user in a request; refuses as the provider's table of codes says. */
export function readQuery(
  method: Method & { readonly name: MethodName },
  values: readonly string[],
  data: BaostockData,
  published: Published,
): ReadQuery {
  if (values.length !== method.parameters.length + (method.isPaged ? 2 : 0)) {
    throw new Refusal("10004006");
  }
  const [page = "", perPage = ""] = method.isPaged ? values : [];
  const raw = method.isPaged ? values.slice(2) : values;
  const valueOf = (name: ParameterName): string | undefined => {
    const at = method.parameters.indexOf(name);
    return at < 0 ? undefined : (raw[at] ?? "");
  };
  const code = readCode(valueOf("code"), valueOf("optionalCode"));
  const day = readOneDay(valueOf("day"), valueOf("optionalDay"), published.today);
  const start = day ?? readDay(valueOf("start"), "10004007") ?? published.today;
  const end = day ?? readDay(valueOf("end"), "10004008") ?? published.today;
  if (start > end) {
    throw new Refusal("10004009");
  }
  const frequency = readWord(valueOf("frequency") ?? "d", FREQUENCIES);
  const query: BaostockQuery = {
    method: method.name,
    raw,
    code,
    codeName: valueOf("codeName") ?? "",
    ...clampStart(start, end, frequency, method.name === "query_history_k_data_plus" ? data.kindOf(code) : undefined),
    frequency,
    adjustFlag: readWord(valueOf("adjustFlag") ?? "3", ADJUST_FLAGS),
    year: readYear(valueOf("year")),
    yearType: readWord(valueOf("yearType") ?? "report", YEAR_TYPES),
  };
  const columns =
    method.fields === undefined ? readFields(valueOf("fields") ?? "", query, data) : namesOf(method.fields);
  return { query, columns, page, perPage, rows: method.isPaged ? readPage(page, perPage) : { from: 0, to: Infinity } };
}

/** Empty in both forms where the method has neither. */
function readCode(code: string | undefined, optionalCode: string | undefined): string {
  if (code === undefined && (optionalCode ?? "") === "") {
    return "";
  }
  const text = code ?? optionalCode ?? "";
  if (text === "") {
    throw new Refusal("10004005");
  }
  if (!/^(?:sh|sz)\.\d{6}$/.test(text)) {
    throw new Refusal("10004011");
  }
  return text;
}

function readOneDay(day: string | undefined, optionalDay: string | undefined, today: Day): Day | undefined {
  return optionalDay === "" ? today : readDay(day ?? optionalDay, "10004010");
}

function readDay(text: string | undefined, code: RefusalCode): Day | undefined {
  if (text === undefined) {
    return undefined;
  }
  try {
    if (text.length === 10) {
      return parseDay(text);
    }
  } catch {
    // Refused below.
  }
  throw new Refusal(text === "" ? "10004005" : code);
}

function readWord<Word extends string>(text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) {
    throw new Refusal(text === "" ? "10004005" : "10004006", text === "" ? undefined : "参数错误");
  }
  return found;
}

function readYear(text = ""): string {
  if (text !== "" && !/^\d{4}$/.test(text)) {
    throw new Refusal("10004006", "参数错误");
  }
  return text;
}

const ROWS_A_PAGE_MAX = 100_000;

function readPage(pageText: string, perPageText: string): RowBounds {
  const [page, perPage] = [pageText, perPageText].map((text) =>
    /^\d{1,6}$/.test(text) ? Number.parseInt(text, 10) : 0,
  );
  if (page === undefined || perPage === undefined || page < 1 || perPage < 1 || perPage > ROWS_A_PAGE_MAX) {
    throw new Refusal("10004006", "参数错误");
  }
  return { from: (page - 1) * perPage, to: page * perPage };
}

/** The first days that the provider has at all. */
const FIRST_MINUTES = parseDay("2020-01-03");
const FIRST_DAYS: Readonly<Record<BaostockKind, Day>> = {
  stock: parseDay("1990-12-19"),
  index: parseDay("2006-01-01"),
  etf: parseDay("2026-01-05"),
};

/** A range that begins before the provider's first day is silently shortened; one that ends before it has no day. */
function clampStart(
  start: Day,
  end: Day,
  frequency: Frequency,
  kind: BaostockKind | undefined,
): { readonly start: Day; readonly end: Day } {
  if (kind === undefined) {
    return { start, end };
  }
  const first = isMinutes(frequency) && FIRST_MINUTES > FIRST_DAYS[kind] ? FIRST_MINUTES : FIRST_DAYS[kind];
  return start >= first ? { start, end } : { start: first, end: end < first ? addDays(first, -1) : end };
}

export function isMinutes(frequency: Frequency): boolean {
  return !["d", "w", "m"].includes(frequency);
}

const LONG_FIELDS = namesOf("date,code,open,high,low,close,volume,amount,adjustflag,turn,pctChg");
const MINUTE_FIELDS = namesOf("date,time,code,open,high,low,close,volume,amount,adjustflag");
const INDEX_FIELDS = namesOf("date,code,open,high,low,close,preclose,volume,amount,pctChg");

/** The columns asked for, in the order asked; their names are taken in either case. */
function readFields(text: string, query: BaostockQuery, data: BaostockData): readonly string[] {
  if (text.trim() === "") {
    throw new Refusal("10004005");
  }
  const known = fieldsOf(query.frequency, data.kindOf(query.code));
  const columns = namesOf(text).map((asked) => {
    const name = known.find((field) => field.toLowerCase() === asked.toLowerCase());
    if (name === undefined) {
      throw new Refusal("10004012");
    }
    return name;
  });
  if (new Set(columns).size !== columns.length) {
    throw new Refusal("10004018");
  }
  return columns;
}

function fieldsOf(frequency: Frequency, kind: BaostockKind | undefined): readonly string[] {
  if (isMinutes(frequency)) {
    if (kind === "index") {
      throw new Refusal("10004015");
    }
    return MINUTE_FIELDS;
  }
  const fields = frequency === "d" ? namesOf(DAILY_FIELDS) : LONG_FIELDS;
  return kind === "index" ? INDEX_FIELDS.filter((name) => fields.includes(name)) : fields;
}

function namesOf(fields: string): readonly string[] {
  return fields.split(",").map((name) => name.trim());
}
