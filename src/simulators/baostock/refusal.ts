/** A request that is answered with a code and a message in place of rows. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string = REFUSALS[code]) {
    super(message);
    this.code = code;
  }
}

/**
 * The provider's codes with its words. Those of 10001011, 10004006 and 10004020 stand in recorded answers; the others are
 * the words of its public table of codes, and how the server itself puts them is not known.
 */
export const REFUSALS = {
  "10001001": "用户未登陆",
  "10001002": "用户名或密码错误",
  "10001003": "获取用户信息失败",
  "10001004": "客户端版本号过期",
  "10001005": "账号登陆数达到上限",
  "10001006": "用户权限不足",
  "10001007": "需要登录激活",
  "10001008": "用户名为空",
  "10001009": "密码为空",
  "10001010": "用户登出失败",
  "10001011": "黑名单用户，请与管理员联系",
  "10004003": "客户端未知错误",
  "10004004": "数组越界",
  "10004005": "传入参数为空",
  "10004006": "请求参数个数不正确",
  "10004007": "起始日期格式不正确",
  "10004008": "截止日期格式不正确",
  "10004009": "起始日期大于终止日期",
  "10004010": "日期格式不正确",
  "10004011": "无效的证券代码",
  "10004012": "无效的指标",
  "10004013": "超出日期支持范围",
  "10004014": "不支持的混合证券品种",
  "10004015": "不支持的证券代码品种",
  "10004018": "指标重复",
  "10004019": "消息格式不正确",
  "10004020": "错误的消息类型",
  "10005001": "系统级别错误",
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** What the real server says to a damaged request is not known; the code is the one its table has for it. */
export function malformed(): Refusal {
  return new Refusal("10004019");
}
