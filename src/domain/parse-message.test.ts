import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";
import { Temporal } from "temporal-polyfill";

import type { Command, RangeRequest } from "./command.ts";
import type { DeadLetterReason } from "./dead-letter.ts";
import { parseDay, type Day } from "./day.ts";
import { cutUtf8, DETAIL_BYTES_MAX, MessageError } from "./message-error.ts";
import { ID_BYTES_MAX, parseMessage } from "./parse-message.ts";
import { parseSecurityCode } from "./security-code.ts";

const now = Temporal.Instant.from("2025-06-30T12:00:00+08:00");
const options = { now };

function parse(input: string | Buffer | undefined) {
  return parseMessage(typeof input === "string" ? Buffer.from(input) : input, options);
}

function failure(input: string | Buffer | undefined): MessageError {
  try {
    parse(input);
  } catch (error) {
    assert.ok(error instanceof MessageError, `threw ${String(error)}`);
    return error;
  }
  return assert.fail("it was taken for a command");
}

const everything: RangeRequest = { full: false, start: undefined, end: undefined, days: undefined };

function bars(codes: string, change: Partial<Extract<Command, { kind: "sync-bars" }>> = {}): Command {
  return {
    kind: "sync-bars",
    codes: codes.split(",").map((code) => parseSecurityCode(code)),
    range: everything,
    force: false,
    provider: undefined,
    frequency: "1d",
    withFactors: false,
    ...change,
  };
}

interface RangeText {
  readonly start?: string;
  readonly end?: string;
  readonly days?: number;
  readonly full?: boolean;
}

function range({ start, end, days, full = false }: RangeText): RangeRequest {
  return { full, days, start: optionalDay(start), end: optionalDay(end) };
}

function optionalDay(text: string | undefined): Day | undefined {
  return text === undefined ? undefined : parseDay(text);
}

function barSnapshot(params: string): string {
  return `{"command":"bar_snapshot","params":{"code":"000001.SZ",${params}}}`;
}

const accepted: readonly (readonly [string, string, Command])[] = [
  [
    "the short form",
    '{"code":"000001.SZ","timestamp":"2024-01-01"}',
    bars("000001.SZ", { range: range({ end: "2024-01-01" }) }),
  ],
  ["the short form without a time", '{"code":"000001.SZ"}', bars("000001.SZ")],
  ["the short form with a list", '{"codes":["000001.SZ","600000.SH"]}', bars("000001.SZ,600000.SH")],
  [
    "a time without zone as Shanghai's",
    '{"code":"000001.SZ","timestamp":"2024-01-01T23:59:59"}',
    bars("000001.SZ", { range: range({ end: "2024-01-01" }) }),
  ],
  [
    "a time with a blank",
    '{"code":"000001.SZ","timestamp":"2024-01-01 23:59:59.123456"}',
    bars("000001.SZ", { range: range({ end: "2024-01-01" }) }),
  ],
  [
    "a UTC evening as Shanghai's next day",
    '{"code":"000001.SZ","timestamp":"2024-01-01T16:00:00Z"}',
    bars("000001.SZ", { range: range({ end: "2024-01-02" }) }),
  ],
  [
    "a UTC afternoon as the same day",
    '{"code":"000001.SZ","timestamp":"2024-01-01T15:59:59+00:00"}',
    bars("000001.SZ", { range: range({ end: "2024-01-01" }) }),
  ],
  [
    "a compact day",
    '{"code":"000001.SZ","timestamp":"20240101"}',
    bars("000001.SZ", { range: range({ end: "2024-01-01" }) }),
  ],
  [
    "parameters at top level of the short form",
    '{"code":"000001.SZ","timestamp":"2024-01-05","days":3,"force":true}',
    bars("000001.SZ", { range: range({ end: "2024-01-05", days: 3 }), force: true }),
  ],
  [
    "an explicit last day before the timestamp",
    '{"code":"000001.SZ","timestamp":"2024-01-05","end_date":"20240103"}',
    bars("000001.SZ", { range: range({ end: "2024-01-03" }) }),
  ],
  [
    "the long form",
    '{"command":"bar_snapshot","params":{"code":"000001.SZ","full":false,"force":false}}',
    bars("000001.SZ"),
  ],
  [
    "a timestamp of the long form as no range",
    '{"command":"bar_snapshot","timestamp":"2025-01-23T15:30:00Z","params":{"code":"000001.SZ"}}',
    bars("000001.SZ"),
  ],
  [
    "a range",
    '{"command":"bar_snapshot","params":{"codes":["000001.SZ"],"start_date":"20250101","end_date":"2025-01-23","frequency":"1d","adjust_type":"none"}}',
    bars("000001.SZ", { range: range({ start: "2025-01-01", end: "2025-01-23" }) }),
  ],
  [
    "one day as a range",
    barSnapshot('"start_date":"20250102","end_date":"20250102"'),
    bars("000001.SZ", { range: range({ start: "2025-01-02", end: "2025-01-02" }) }),
  ],
  [
    "today as the last day",
    barSnapshot('"end_date":"20250630"'),
    bars("000001.SZ", { range: range({ end: "2025-06-30" }) }),
  ],
  [
    "update_data",
    '{"command":"update_data","params":{"codes":["000001.SZ","600000.SH"],"days":5}}',
    bars("000001.SZ,600000.SH", { range: range({ days: 5 }) }),
  ],
  ["days as text", barSnapshot('"days":"5"'), bars("000001.SZ", { range: range({ days: 5 }) })],
  [
    "a first day before days",
    barSnapshot('"start_date":"20250102","days":5'),
    bars("000001.SZ", { range: range({ start: "2025-01-02" }) }),
  ],
  [
    "days up to a last day",
    barSnapshot('"end_date":"20250102","days":5'),
    bars("000001.SZ", { range: range({ end: "2025-01-02", days: 5 }) }),
  ],
  ["full before days", barSnapshot('"full":true,"days":5'), bars("000001.SZ", { range: range({ full: true }) })],
  [
    "a first day before full",
    barSnapshot('"full":true,"start_date":"20250102"'),
    bars("000001.SZ", { range: range({ start: "2025-01-02" }) }),
  ],
  [
    "Python's words for booleans",
    barSnapshot('"full":"True","force":"False"'),
    bars("000001.SZ", { range: range({ full: true }) }),
  ],
  ["overwrite as force", barSnapshot('"overwrite":"true"'), bars("000001.SZ", { force: true })],
  [
    "null for absent",
    barSnapshot('"full":null,"days":null,"frequency":null,"provider":null,"start_date":null'),
    bars("000001.SZ"),
  ],
  [
    "code and codes as one set",
    barSnapshot('"codes":["600000.SH","000001.SZ","600000.SH"]'),
    bars("000001.SZ,600000.SH"),
  ],
  ["qfq as bars with factors", barSnapshot('"adjust_type":"qfq"'), bars("000001.SZ", { withFactors: true })],
  ["hfq as bars with factors", barSnapshot('"adjust_type":"hfq"'), bars("000001.SZ", { withFactors: true })],
  ["a frequency that is served later", barSnapshot('"frequency":"5m"'), bars("000001.SZ", { frequency: "5m" })],
  ["a month, which is not a minute", barSnapshot('"frequency":"1M"'), bars("000001.SZ", { frequency: "1M" })],
  ["a pinned provider", barSnapshot('"provider":"yahoo"'), bars("000001.SZ", { provider: "yahoo" })],
  ["a byte order mark", '\u{feff}{"code":"000001.SZ"}', bars("000001.SZ")],
  ["white space around", ' \n{"code" : "000001.SZ"}\r\n', bars("000001.SZ")],
  ["unknown fields", '{"code":"000001.SZ","colour":{"deep":[1,2]},"start":"nonsense"}', bars("000001.SZ")],
  ["the last of two fields of one name", '{"code":"600000.SH","code":"000001.SZ"}', bars("000001.SZ")],
  ["a field called __proto__", '{"code":"000001.SZ","__proto__":{"full":true}}', bars("000001.SZ")],
  ["an empty params beside the short form", '{"code":"000001.SZ","params":{}}', bars("000001.SZ")],
  [
    "an odd timestamp of the long form",
    '{"command":"bar_snapshot","timestamp":1704067200,"params":{"code":"000001.SZ"}}',
    bars("000001.SZ"),
  ],
  [
    "ticks",
    '{"command":"tick","params":{"code":"000001.SZ","full":false,"overwrite":true}}',
    {
      kind: "sync-ticks",
      codes: [parseSecurityCode("000001.SZ")],
      range: everything,
      force: true,
      provider: undefined,
    },
  ],
  [
    "factors",
    '{"command":"adjustfactor","params":{"code":"000001.SZ"}}',
    {
      kind: "sync-adjustment-factors",
      codes: [parseSecurityCode("000001.SZ")],
      range: everything,
      force: false,
      provider: undefined,
    },
  ],
  [
    "the stock list",
    '{"command":"stockinfo","params":{}}',
    { kind: "sync-stock-list", force: false, provider: undefined },
  ],
  [
    "the stock list without params",
    '{"command":"stockinfo"}',
    { kind: "sync-stock-list", force: false, provider: undefined },
  ],
  [
    "the calendar",
    '{"command":"trade_day","params":{"force":true,"provider":"tushare"}}',
    { kind: "sync-trading-calendar", force: true, provider: "tushare" },
  ],
  ["a beat", '{"command":"heartbeat_test","params":{}}', { kind: "beat" }],
  [
    "bar_snapshot without code as another's",
    '{"command":"bar_snapshot","params":{}}',
    { kind: "ignore", wireCommand: "bar_snapshot" },
  ],
  [
    "bar_snapshot with null for code as another's",
    '{"command":"bar_snapshot","params":{"code":null}}',
    { kind: "ignore", wireCommand: "bar_snapshot" },
  ],
  [
    "another component's command",
    '{"command":"deploy","params":"whatever"}',
    { kind: "ignore", wireCommand: "deploy" },
  ],
  ["reload", '{"command":"reload"}', { kind: "ignore", wireCommand: "reload" }],
];

for (const [what, input, expected] of accepted) {
  test(`takes ${what}`, () => {
    assert.deepEqual(parse(input).command, expected);
  });
}

const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const manyCodes = (count: number): string =>
  JSON.stringify(Array.from({ length: count }, (_, index) => `${String(index).padStart(6, "0")}.SZ`));

const refused: readonly (readonly [string, string | Buffer | undefined, DeadLetterReason, string])[] = [
  ["no value", undefined, "not-json", "$"],
  ["an empty value", "", "not-json", "$"],
  ["text", "buy low", "not-json", "$"],
  ["half an object", '{"code":"000001.SZ"', "not-json", "$"],
  ["Python's own writing", "{'code': '000001.SZ'}", "not-json", "$"],
  ["NaN", '{"code":"000001.SZ","days":NaN}', "not-json", "$"],
  ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), "not-json", "$"],
  ["UTF-16", Buffer.from('{"code":"000001.SZ"}', "utf16le"), "not-json", "$"],
  ["a list", '["000001.SZ"]', "not-an-object", "$"],
  ["a word", '"000001.SZ"', "not-an-object", "$"],
  ["null", "null", "not-an-object", "$"],
  ["a number", "1e999", "not-an-object", "$"],
  ["a list 10,000 deep", deep(10_000), "not-an-object", "$"],
  ["a list 100,000 deep", deep(100_000), "not-an-object", "$"],
  ["a code 100,000 deep", `{"code":${deep(100_000)}}`, "bad-parameter", "$.code"],
  ["more bytes than the worker takes", `{"code":"${"0".repeat(3_000_000)}"}`, "too-large", "$"],
  ["an empty object", "{}", "missing-parameter", "$.command"],
  ["a timestamp alone", '{"timestamp":"2024-01-01"}', "missing-parameter", "$.command"],
  ["an unknown command", '{"command":"buy_low"}', "unknown-command", "$.command"],
  ["a command in the wrong case", '{"command":"Bar_Snapshot"}', "unknown-command", "$.command"],
  ["a command that every object has", '{"command":"toString"}', "unknown-command", "$.command"],
  ["a number for a command", '{"command":7}', "unknown-command", "$.command"],
  ["params that are no object", '{"command":"bar_snapshot","params":["000001.SZ"]}', "bad-parameter", "$.params"],
  ["params beside the short form", '{"code":"000001.SZ","params":{"full":true}}', "bad-parameter", "$.params"],
  ["a code beside a command", '{"command":"bar_snapshot","code":"000001.SZ"}', "bad-parameter", "$.code"],
  ["ticks without code", '{"command":"tick","params":{}}', "missing-parameter", "$.params.code"],
  ["factors without code", '{"command":"adjustfactor"}', "missing-parameter", "$.params.code"],
  ["update_data without code", '{"command":"update_data","params":{"days":5}}', "missing-parameter", "$.params.code"],
  ["a code with a blank", '{"code":" 000001.sz"}', "bad-parameter", "$.code"],
  ["a code in lower case", '{"code":"000001.sz"}', "bad-parameter", "$.code"],
  ["a code without exchange", '{"code":"000001"}', "bad-parameter", "$.code"],
  ["a code in other digits", '{"code":"００００01.SZ"}', "bad-parameter", "$.code"],
  ["a code with a line end", '{"code":"000001.SZ\\n"}', "bad-parameter", "$.code"],
  ["an empty code", barSnapshot('"code":""'), "bad-parameter", "$.params.code"],
  ["a code of a megabyte", `{"code":"${"x".repeat(1_000_000)}"}`, "bad-parameter", "$.code"],
  ["a bad code in a list", barSnapshot('"codes":["600000.SH","6000.SH"]'), "bad-parameter", "$.params.codes[1]"],
  ["an empty list of codes", '{"command":"bar_snapshot","params":{"codes":[]}}', "bad-parameter", "$.params.codes"],
  ["codes as text", barSnapshot('"codes":"000001.SZ"'), "bad-parameter", "$.params.codes"],
  ["more codes than the bound", barSnapshot(`"codes":${manyCodes(10_001)}`), "bad-parameter", "$.params.codes"],
  [
    "more codes than the bound, one of them beside the list",
    barSnapshot(`"codes":${manyCodes(10_001).replace('"000001.SZ",', "")}`),
    "bad-parameter",
    "$.params.codes",
  ],
  ["a day that does not exist", barSnapshot('"start_date":"20250230"'), "bad-parameter", "$.params.start_date"],
  ["a day as a number", barSnapshot('"start_date":20250102'), "bad-parameter", "$.params.start_date"],
  ["a day with slashes", barSnapshot('"end_date":"2025/01/02"'), "bad-parameter", "$.params.end_date"],
  ["a day 100,000 deep", barSnapshot(`"end_date":${deep(100_000)}`), "bad-parameter", "$.params.end_date"],
  [
    "a first day after the last",
    barSnapshot('"start_date":"20250103","end_date":"20250102"'),
    "start-after-end",
    "$.params.start_date",
  ],
  [
    "a first day after the timestamp",
    '{"code":"000001.SZ","timestamp":"2025-01-01","start_date":"20250102"}',
    "start-after-end",
    "$.start_date",
  ],
  ["tomorrow as the last day", barSnapshot('"end_date":"20250701"'), "future-day", "$.params.end_date"],
  ["tomorrow as the first day", barSnapshot('"start_date":"20250701"'), "future-day", "$.params.start_date"],
  [
    "tomorrow in the short form",
    '{"code":"000001.SZ","timestamp":"2025-06-30T16:00:00Z"}',
    "future-day",
    "$.timestamp",
  ],
  ["a year of five digits", '{"code":"000001.SZ","timestamp":"9999-12-31T23:00:00Z"}', "bad-parameter", "$.timestamp"],
  ["seconds since 1970", '{"code":"000001.SZ","timestamp":1704067200}', "bad-parameter", "$.timestamp"],
  ["a time that is none", '{"code":"000001.SZ","timestamp":"2024-01-01T25:00"}', "bad-parameter", "$.timestamp"],
  ["no days", barSnapshot('"days":0'), "bad-parameter", "$.params.days"],
  ["half a day", barSnapshot('"days":1.5'), "bad-parameter", "$.params.days"],
  ["days below nothing", barSnapshot('"days":-3'), "bad-parameter", "$.params.days"],
  ["days beyond numbers", barSnapshot('"days":1e400'), "bad-parameter", "$.params.days"],
  ["true for days", barSnapshot('"days":true'), "bad-parameter", "$.params.days"],
  ["a word for a boolean", barSnapshot('"full":"yes"'), "bad-parameter", "$.params.full"],
  ["a number for a boolean", barSnapshot('"force":1'), "bad-parameter", "$.params.force"],
  ["a frequency nobody has", barSnapshot('"frequency":"2h"'), "not-supported", "$.params.frequency"],
  ["a number for a frequency", barSnapshot('"frequency":1'), "bad-parameter", "$.params.frequency"],
  ["an adjustment nobody knows", barSnapshot('"adjust_type":"split"'), "bad-parameter", "$.params.adjust_type"],
  ["a provider nobody knows", barSnapshot('"provider":"bloomberg"'), "bad-parameter", "$.params.provider"],
  ["a provider that every object has", barSnapshot('"provider":"constructor"'), "bad-parameter", "$.params.provider"],
  [
    "a bad provider of the stock list",
    '{"command":"stockinfo","params":{"provider":3}}',
    "bad-parameter",
    "$.params.provider",
  ],
];

for (const [what, input, reason, path] of refused) {
  test(`refuses ${what} as ${reason}`, () => {
    const error = failure(input);
    assert.deepEqual([error.reason, error.path], [reason, path]);
    assert.ok(error.detail.length > 0 && Buffer.byteLength(error.detail) <= DETAIL_BYTES_MAX, error.detail);
  });
}

test("5,600 codes in one message are taken, in their order", () => {
  const { command } = parse(barSnapshot(`"codes":${manyCodes(5600)}`));
  assert.ok(command.kind === "sync-bars");
  assert.equal(command.codes.length, 5600);
  assert.equal(command.codes[5599], "005599.SZ");
});

test("a megabyte in a field that means nothing does no harm", () => {
  assert.deepEqual(parse(`{"code":"000001.SZ","note":"${"x".repeat(1_000_000)}"}`).command, bars("000001.SZ"));
});

test("who asked and when is kept, and a bad one never makes the message fail", () => {
  const { envelope } = parse(
    '{"command":"trade_day","timestamp":"2025-01-23T15:30:00","source":"task_timer","request_id":"r-1","correlation_id":17}',
  );
  assert.deepEqual(
    { ...envelope, askedAt: envelope.askedAt?.toString() },
    { requestId: "r-1", correlationId: "17", askedBy: "task_timer", askedAt: "2025-01-23T07:30:00Z" },
  );
  const odd = parse(`{"command":"trade_day","timestamp":[],"source":{},"request_id":"${"i".repeat(5000)}"}`).envelope;
  assert.deepEqual([odd.askedAt, odd.askedBy, odd.requestId?.length], [undefined, undefined, ID_BYTES_MAX]);
  const wide = parse(`{"command":"trade_day","request_id":"${"价".repeat(5000)}"}`).envelope.requestId ?? "";
  assert.ok(Buffer.byteLength(wide) <= ID_BYTES_MAX && /^价+$/.test(wide), wide);
});

test("a producer whose clock is two minutes ahead at midnight does not ask for the future", () => {
  const message = Buffer.from('{"code":"000001.SZ","timestamp":"2025-07-01T00:00:30"}');
  const before = Temporal.Instant.from("2025-06-30T23:58:30+08:00");
  assert.equal(parseMessage(message, { now: before }).command.kind, "sync-bars");
});

test("a detail is cut between characters, never inside one", () => {
  assert.equal(cutUtf8("价格价格", 7), "价格");
  assert.equal(cutUtf8("abc", 3), "abc");
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.nat(250), (text, bytesMax) => {
      const cut = cutUtf8(text, bytesMax);
      assert.ok(Buffer.byteLength(cut) <= bytesMax);
      assert.ok(!cut.includes("\u{fffd}") || text.toWellFormed().includes("\u{fffd}"));
    }),
  );
});

test("what a message says badly is quoted as it was meant", () => {
  assert.match(failure(barSnapshot('"days":1e400')).detail, /got Infinity$/);
  assert.match(failure("buy low").detail, /^the value is not JSON, it starts with "buy low"$/);
  assert.match(failure('{"a":1,}').detail, /^the value is not JSON at position 7, it starts with /);
});

test("where the parameters stand is known when something is found wrong with them later", () => {
  const places: readonly (readonly [string, string, string])[] = [
    ['{"code":"000001.SZ"}', "$", "$.code"],
    ['{"codes":["000001.SZ"]}', "$", "$.codes"],
    [barSnapshot('"days":1'), "$.params", "$.params.code"],
    ['{"command":"tick","params":{"codes":["000001.SZ"]}}', "$.params", "$.params.codes"],
    [barSnapshot('"codes":["600000.SH"]'), "$.params", "$.params.codes"],
    ['{"command":"trade_day"}', "$.params", "$.params.code"],
  ];
  for (const [input, params, codes] of places) {
    assert.deepEqual(parse(input).places, { params, codes }, input);
  }
});
