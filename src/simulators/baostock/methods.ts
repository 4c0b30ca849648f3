/** A query of the protocol: what a request of its type carries and how its answer is laid out. */
export interface Method {
  readonly name: string;
  /** Of the request; the answer's is the next one. */
  readonly type: string;
  readonly answerType: string;
  /** After method and user, and where `isPaged` after page and rows a page. */
  readonly parameters: readonly ParameterName[];
  readonly isPaged: boolean;
  readonly isCompressed: boolean;
  /** The list of columns as the server writes it, blanks and tabs included; undefined where the request names them. */
  readonly fields: string | undefined;
}

export type ParameterName =
  | "code"
  | "codeName"
  | "fields"
  | "start"
  | "end"
  | "frequency"
  | "adjustFlag"
  | "day"
  | "optionalCode"
  | "optionalDay"
  | "year"
  | "yearType";

const DIVIDEND_FIELDS =
  "code, dividPreNoticeDate, dividAgmPumDate, dividPlanAnnounceDate, dividPlanDate, \tdividRegistDate, " +
  "dividOperateDate, dividPayDate, dividStockMarketDate, dividCashPsBeforeTax, dividCashPsAfterTax, dividStocksPs, " +
  "\tdividCashStock, dividReserveToStockPs";

export const DAILY_FIELDS =
  "date,code,open,high,low,close,preclose,volume,amount,adjustflag,turn,tradestatus,pctChg,peTTM,pbMRQ,psTTM,pcfNcfTTM,isST";

const MEMBER_FIELDS = "updateDate, code, code_name";

/**
 * The methods that the simulator answers. Reports, interest rates and index members, which nothing here asks for, are
 * answered as retired types are.
 */
export const METHODS = [
  paged("13", "query_dividend_data", ["code", "year", "yearType"], DIVIDEND_FIELDS),
  paged(
    "15",
    "query_adjust_factor",
    ["code", "start", "end"],
    "code,dividOperateDate,foreAdjustFactor,backAdjustFactor,adjustFactor",
  ),
  paged("33", "query_trade_dates", ["start", "end"], "calendar_date, is_trading_day"),
  paged("35", "query_all_stock", ["day"], "code, tradeStatus, code_name"),
  paged("45", "query_stock_basic", ["optionalCode", "codeName"], "code, code_name, ipoDate, outDate, type, status"),
  paged(
    "59",
    "query_stock_industry",
    ["optionalCode", "optionalDay"],
    "updateDate, code, code_name, industry, industryClassification",
  ),
  paged("67", "query_terminated_stocks", ["day"], MEMBER_FIELDS),
  paged("69", "query_suspended_stocks", ["day"], MEMBER_FIELDS),
  paged("71", "query_st_stocks", ["day"], MEMBER_FIELDS),
  paged("73", "query_starst_stocks", ["day"], MEMBER_FIELDS),
  {
    ...paged(
      "95",
      "query_history_k_data_plus",
      ["code", "fields", "start", "end", "frequency", "adjustFlag"],
      undefined,
    ),
    isCompressed: true,
  },
  dayBatch("98", "query_daily_history_k_AStock", DAILY_FIELDS),
  dayBatch("9A", "query_daily_history_k_ETF", DAILY_FIELDS),
  // The last name is spelled so on the wire.
  dayBatch("9C", "query_daily_adjust_factor", "code,dividOperateDate,foreAdjustFactor,backAdjustFactor,adjustFacto"),
] as const;

export type MethodName = (typeof METHODS)[number]["name"];
export const LOGIN_TYPE = "00";
export const LOGOUT_TYPE = "02";
/** Of every refusal. */
export const REFUSAL_TYPE = "04";

const BY_TYPE = new Map<string, Method & { readonly name: MethodName }>(METHODS.map((method) => [method.type, method]));

export function methodOf(type: string): (Method & { readonly name: MethodName }) | undefined {
  return BY_TYPE.get(type);
}

function paged<const Name extends string>(
  type: string,
  name: Name,
  parameters: readonly ParameterName[],
  fields: string | undefined,
): Method & { readonly name: Name } {
  return { type, answerType: nextType(type), name, parameters, isPaged: true, isCompressed: false, fields };
}

function dayBatch<const Name extends string>(
  type: string,
  name: Name,
  fields: string,
): Method & { readonly name: Name } {
  return { ...paged(type, name, ["day"], fields), isPaged: false, isCompressed: true };
}

/** 69 is followed by 70, 9A by 9B. */
function nextType(type: string): string {
  const base = /^\d+$/.test(type) ? 10 : 16;
  return (Number.parseInt(type, base) + 1).toString(base).toUpperCase().padStart(2, "0");
}
