import type { ApiName } from "./apis.ts";

/** A call that the simulated server answers with an error: HTTP 200, a code and a text (protocol page, section 7). */
export class RefusedCall extends Error {
  override readonly name = "RefusedCall";
  readonly code: number;

  constructor({ code, msg }: RefusalText) {
    super(msg);
    this.code = code;
  }
}

export interface RefusalText {
  readonly code: number;
  readonly msg: string;
}

const DETAILS = "https://tushare.pro/document/1?doc_id=108。";

/** Texts without a value in them, word by word as recorded. */
export const REFUSALS = {
  token: { code: 40101, msg: "您的token不对，请确认。" },
  codeRequired: { code: 40101, msg: "ts_code required" },
  notJson: { code: -1000, msg: "系统内部错误" },
  paramsNotAnObject: { code: 50101, msg: "系统未知错误，欢迎上报！ 谢谢！" },
  server: { code: 50101, msg: "服务器错误，请稍后再试！期待您能把错误反馈给我们，谢谢！" },
  database: { code: 50101, msg: "服务器错误(数据库异常)，请稍后再试！期待您能把错误反馈给我们，谢谢！" },
  tooOften: { code: 50101, msg: "请求过于频繁" },
  addressLimit: { code: 40204, msg: "您的IP数量超限，最大数量为2个！" },
  points: { code: 40201, msg: "积分不足，请前往官网查看积分获取办法" },
} as const satisfies Readonly<Record<string, RefusalText>>;

export function unknownApi(name: string): RefusalText {
  return { code: -2001, msg: `抱歉，没有${name}接口` };
}

export function unknownField(api: ApiName, field: string): RefusalText {
  return { code: -2001, msg: `接口${api}不包含字段${field}` };
}

export function badParameter(name: string): RefusalText {
  return { code: 40101, msg: `参数${name}格式不正确` };
}

export function missingParameter(names: readonly string[]): RefusalText {
  return names.includes("trade_date") || names[0] === "ts_code"
    ? REFUSALS.codeRequired
    : { code: 40101, msg: `必填参数 ${names.join("/")}` };
}

/** How a missing permission is put: the current text, and two older ones. */
export type PermissionWording = "named" | "older" | "oldest";

export function noPermission(api: string, wording: PermissionWording): RefusalText {
  const starts = {
    named: `抱歉，您没有接口(${api})访问权限`,
    older: "抱歉，您没有接口访问权限",
    oldest: "抱歉，您没有访问该接口的权限",
  } as const;
  return { code: 40203, msg: `${starts[wording]}，权限的具体详情访问：${DETAILS}` };
}

export type LimitUnit = "minute" | "hour" | "day";
/** How a passed limit is put: `您每分钟最多访问该接口200次`, `频率超限(200次/分钟)`, or without any number. */
export type LimitWording = "per-unit" | "frequency" | "no-number";

const UNIT_WORDS = { minute: "分钟", hour: "小时", day: "天" } as const;

export function tooManyCalls(api: string, calls: number, unit: LimitUnit, wording: LimitWording): RefusalText {
  if (wording === "no-number") {
    return REFUSALS.tooOften;
  }
  const word = UNIT_WORDS[unit];
  return {
    code: 40203,
    msg:
      wording === "per-unit"
        ? `抱歉，您每${word}最多访问该接口${calls}次，权限的具体详情访问：${DETAILS}`
        : `抱歉，您访问接口(${api})频率超限(${calls}次/${word})，具体频次详情：${DETAILS}`,
  };
}
