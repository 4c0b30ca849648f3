/**
 * What the simulator knows of each of Tushare's APIs: columns, parameters, row cap, hour of publication. From the
 * protocol page, sections 4.1–4.5, 4.7 and 6; nothing here is shared with our client, so that a mistake shows.
 */

export type ColumnKind = "text" | "number" | "integer";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Hidden columns come only when `fields` names them. */
  readonly isHidden: boolean;
}

export interface Api {
  readonly name: ApiName;
  /** In the order of the default answer, hidden ones last. */
  readonly columns: readonly Column[];
  readonly parameters: readonly string[];
  /** At least one of these must be given; empty where all are optional. */
  readonly oneRequired: readonly string[];
  /** All of these must be given. */
  readonly allRequired: readonly string[];
  /** What an account must have: so many points, or the right to this API, which is sold by itself. */
  readonly needs: number | "right";
  /** `ts_code` may be a list with commas; otherwise a list is a code that does not exist. */
  readonly hasCodeLists: boolean;
  readonly rowsMax: number;
  /** Beijing time from which on a day's rows are there. */
  readonly publishedFrom: string;
}

export type ApiName =
  | "daily"
  | "index_daily"
  | "fund_daily"
  | "stk_mins"
  | "adj_factor"
  | "stock_basic"
  | "trade_cal"
  | "suspend_d"
  | "stk_limit"
  | "dividend";

/** APIs with one row for a code and a trading day. */
export type DatedApiName = Exclude<ApiName, "stk_mins" | "stock_basic" | "trade_cal" | "dividend">;

const CODE_AND_DAYS = ["ts_code", "trade_date", "start_date", "end_date"] as const;

export const APIS: Readonly<Record<ApiName, Api>> = {
  daily: {
    name: "daily",
    columns: [
      ...columns("text", "ts_code", "trade_date"),
      ...columns("number", "open", "high", "low", "close", "pre_close", "change", "pct_chg", "vol", "amount"),
      ...hidden("number", "ah_vol", "ah_amount"),
    ],
    parameters: CODE_AND_DAYS,
    oneRequired: CODE_AND_DAYS,
    allRequired: [],
    needs: 120,
    hasCodeLists: true,
    rowsMax: 6_000,
    publishedFrom: "17:00",
  },
  index_daily: {
    name: "index_daily",
    columns: [
      ...columns("text", "ts_code", "trade_date"),
      ...columns("number", "close", "open", "high", "low", "pre_close", "change", "pct_chg", "vol", "amount"),
    ],
    parameters: CODE_AND_DAYS,
    oneRequired: [],
    allRequired: ["ts_code"],
    needs: 2_000,
    hasCodeLists: false,
    rowsMax: 8_000,
    publishedFrom: "17:00",
  },
  // Not on the page: columns and units as index_daily, and a day of all funds as daily; the cap is what its users report.
  fund_daily: {
    name: "fund_daily",
    columns: [
      ...columns("text", "ts_code", "trade_date"),
      ...columns("number", "close", "open", "high", "low", "pre_close", "change", "pct_chg", "vol", "amount"),
    ],
    parameters: CODE_AND_DAYS,
    oneRequired: CODE_AND_DAYS,
    allRequired: [],
    needs: 2_000,
    hasCodeLists: false,
    rowsMax: 2_000,
    publishedFrom: "17:00",
  },
  stk_mins: {
    name: "stk_mins",
    columns: [
      ...columns("text", "ts_code", "trade_time"),
      ...columns("number", "open", "close", "high", "low", "vol", "amount"),
    ],
    parameters: ["ts_code", "freq", "start_date", "end_date"],
    oneRequired: [],
    allRequired: ["ts_code", "freq"],
    needs: "right",
    hasCodeLists: false,
    rowsMax: 8_000,
    publishedFrom: "21:00",
  },
  adj_factor: {
    name: "adj_factor",
    columns: [...columns("text", "ts_code", "trade_date"), ...columns("number", "adj_factor")],
    parameters: CODE_AND_DAYS,
    oneRequired: CODE_AND_DAYS,
    allRequired: [],
    needs: 2_000,
    hasCodeLists: false,
    rowsMax: 6_000,
    publishedFrom: "09:20",
  },
  stock_basic: {
    name: "stock_basic",
    columns: [
      ...columns("text", "ts_code", "symbol", "name", "area", "industry", "cnspell", "market", "list_date"),
      ...columns("text", "act_name", "act_ent_type"),
      ...hidden("text", "fullname", "enname", "exchange", "curr_type", "list_status", "delist_date", "is_hs"),
    ],
    parameters: ["ts_code", "name", "market", "list_status", "exchange", "is_hs"],
    oneRequired: [],
    allRequired: [],
    needs: 2_000,
    hasCodeLists: false,
    rowsMax: 6_000,
    publishedFrom: "00:00",
  },
  trade_cal: {
    name: "trade_cal",
    columns: [
      ...columns("text", "exchange", "cal_date"),
      ...columns("integer", "is_open"),
      ...columns("text", "pretrade_date"),
    ],
    parameters: ["exchange", "start_date", "end_date", "is_open"],
    oneRequired: [],
    allRequired: [],
    needs: 2_000,
    hasCodeLists: false,
    // The page gives no cap and says that the full history is to be paged by years.
    rowsMax: 6_000,
    publishedFrom: "00:00",
  },
  suspend_d: {
    name: "suspend_d",
    columns: columns("text", "ts_code", "trade_date", "suspend_timing", "suspend_type"),
    parameters: [...CODE_AND_DAYS, "suspend_type"],
    oneRequired: [],
    allRequired: [],
    needs: 2_000,
    hasCodeLists: false,
    rowsMax: 5_000,
    publishedFrom: "09:00",
  },
  stk_limit: {
    name: "stk_limit",
    columns: [
      ...columns("text", "trade_date", "ts_code"),
      ...columns("number", "up_limit", "down_limit"),
      ...hidden("number", "pre_close"),
    ],
    parameters: CODE_AND_DAYS,
    oneRequired: [],
    allRequired: [],
    needs: 2_000,
    hasCodeLists: false,
    rowsMax: 5_800,
    publishedFrom: "09:00",
  },
  dividend: {
    name: "dividend",
    columns: [
      ...columns("text", "ts_code", "end_date", "ann_date", "div_proc"),
      ...columns("number", "stk_div", "stk_bo_rate", "stk_co_rate", "cash_div", "cash_div_tax"),
      ...columns("text", "record_date", "ex_date", "pay_date", "div_listdate", "imp_ann_date"),
      ...hidden("text", "base_date"),
      ...hidden("number", "base_share"),
      ...hidden("text", "update_flag"),
    ],
    parameters: ["ts_code", "ann_date", "record_date", "ex_date", "imp_ann_date"],
    oneRequired: ["ts_code", "ann_date", "record_date", "ex_date", "imp_ann_date"],
    allRequired: [],
    needs: 2_000,
    hasCodeLists: false,
    rowsMax: 2_000,
    publishedFrom: "00:00",
  },
};

export function isApiName(input: unknown): input is ApiName {
  return typeof input === "string" && Object.hasOwn(APIS, input);
}

/** Where a column stands in a row of the API; RangeError for a name it does not have. */
export function columnAt(api: Api, name: string): number {
  const index = api.columns.findIndex((column) => column.name === name);
  if (index === -1) {
    throw new RangeError(`simulating ${api.name}: it has no column ${name}`);
  }
  return index;
}

function columns(kind: ColumnKind, ...names: readonly string[]): readonly Column[] {
  return names.map((name) => ({ name, kind, isHidden: false }));
}

function hidden(kind: ColumnKind, ...names: readonly string[]): readonly Column[] {
  return names.map((name) => ({ name, kind, isHidden: true }));
}
