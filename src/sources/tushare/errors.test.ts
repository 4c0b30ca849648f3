import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../base/clock.ts";
import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { toAnswerError, toStatusError } from "./errors.ts";

const TOKEN = "f".repeat(56);
const DETAILS = "权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。";
/** 22:30:15 in Beijing, so 89 minutes and 45 seconds before midnight. */
const clock: Clock = { ...systemClock, now: () => Temporal.Instant.from("2025-03-03T14:30:15Z") };

function classify(code: number, text: string): Error {
  return toAnswerError(code, text, "calling tushare daily", TOKEN, clock);
}

test("a limit is named with its number and window in both wordings, and says how long to wait", () => {
  const untilMidnightMs = (89 * 60 + 45) * 1_000;
  const vectors: readonly (readonly [string, number, number, number])[] = [
    [`抱歉，您每分钟最多访问该接口200次，${DETAILS}`, 200, 60_000, 60_000],
    [`抱歉，您每分钟最多访问该接口1次，${DETAILS}`, 1, 60_000, 60_000],
    [`抱歉，您每小时最多访问该接口1次，${DETAILS}`, 1, 3_600_000, 3_600_000],
    [`抱歉，您每天最多访问该接口5次，${DETAILS}`, 5, 86_400_000, untilMidnightMs],
    [
      `抱歉，您访问接口(stk_mins)频率超限(1次/分钟)，具体频次详情：https://tushare.pro/document/1?doc_id=108。`,
      1,
      60_000,
      60_000,
    ],
    ["抱歉，您访问接口\uff08daily\uff09频率超限\uff085次/小时\uff09，具体频次详情：x", 5, 3_600_000, 3_600_000],
    [`抱歉，您访问接口(daily)频率超限(500次/小时)，具体频次详情：https://tushare.pro/`, 500, 3_600_000, 3_600_000],
    [
      `抱歉，您访问接口(daily)频率超限(8000次/天)，具体频次详情：https://tushare.pro/`,
      8_000,
      86_400_000,
      untilMidnightMs,
    ],
  ];
  for (const [text, calls, windowMs, retryAfterMs] of vectors) {
    const error = classify(40203, text);
    assert.ok(error instanceof RateLimitError, text);
    assert.deepEqual(error.limit, { calls, windowMs }, text);
    assert.equal(error.retryAfterMs, retryAfterMs, text);
    assert.ok(error.message.includes(text.slice(0, 20)), error.message);
  }
});

test("too many calls without a number is a limit nobody named", () => {
  for (const text of ["请求过于频繁", "访问过快，请稍后再试"]) {
    const error = classify(50101, text);
    assert.ok(error instanceof RateLimitError);
    assert.equal(error.limit, undefined);
    assert.equal(error.retryAfterMs, 60_000);
  }
});

test("too many addresses wait half an hour", () => {
  const error = classify(40204, "您的IP数量超限，最大数量为2个！");
  assert.ok(error instanceof TransientError && !(error instanceof RateLimitError));
  assert.equal(error.retryAfterMs, 30 * 60_000);
  assert.match(error.message, /too many addresses/);
});

test("a refused token puts the provider out, missing rights only the api", () => {
  const token = classify(40101, "您的token不对，请确认。");
  assert.ok(token instanceof PermanentError && token.isCredentials);
  assert.equal(token.scope, "provider");
  const vectors: readonly (readonly [number, string])[] = [
    [40203, `抱歉，您没有接口(income)访问权限，${DETAILS}`],
    [40203, `抱歉，您没有接口访问权限，${DETAILS}`],
    [40203, `抱歉，您没有访问该接口的权限，${DETAILS}`],
    [40201, "积分不足，无法访问"],
    [2002, "permission denied"],
    [-2001, "抱歉，没有pro_bar接口"],
    [-2001, "接口trade_cal不包含字段exchange_id"],
  ];
  for (const [code, text] of vectors) {
    const error = classify(code, text);
    assert.ok(error instanceof PermanentError, text);
    assert.equal(error.scope, "api", text);
    assert.equal(error.isCredentials, false, text);
  }
});

test("a refused request is this message's, a failing server is not", () => {
  const requests: readonly (readonly [number, string])[] = [
    [40101, "ts_code required"],
    [40101, "必填参数 ts_code"],
    [40101, "参数错误"],
    [40101, "unknown data source"],
    [-1000, "系统内部错误"],
    [12345, "something nobody has seen"],
  ];
  for (const [code, text] of requests) {
    assert.ok(classify(code, text) instanceof DataError, text);
  }
  const servers: readonly (readonly [number, string])[] = [
    [50101, "系统未知错误，欢迎上报！ 谢谢！"],
    [50101, "系统未知错误，欢迎上报！ 谢谢！ request-id(c1bb27d0)"],
    [50000, "服务器错误，请稍后再试！期待您能把错误反馈给我们，谢谢！"],
    [50000, "服务器错误(数据库异常)，请稍后再试！期待您能把错误反馈给我们，谢谢！"],
    [50999, ""],
  ];
  for (const [code, text] of servers) {
    const error = classify(code, text);
    assert.ok(error instanceof TransientError && !(error instanceof RateLimitError), text);
  }
});

test("a token that the provider repeats is not repeated by us", () => {
  assert.ok(!classify(40101, `您的token ${TOKEN} 不对`).message.includes(TOKEN));
});

test("an HTTP status says whose failure it is", () => {
  const slow = toStatusError(429, "7", "", "calling");
  assert.ok(slow instanceof RateLimitError && slow.retryAfterMs === 7_000);
  assert.ok(toStatusError(502, undefined, "", "calling") instanceof TransientError);
  assert.ok(toStatusError(403, undefined, "", "calling") instanceof TransientError);
  assert.ok(toStatusError(405, undefined, "", "calling") instanceof PermanentError);
  assert.ok(toStatusError(413, undefined, "", "calling") instanceof DataError);
});
