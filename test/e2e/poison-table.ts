import { gzipSync } from "node:zlib";

import type { DeadLetterReason } from "../../src/domain/dead-letter.ts";
import type { MessageHeaders } from "../../src/ports/queue.ts";

/** What a producer writes, to the byte. */
export interface Written {
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: MessageHeaders;
}

export interface PoisonCase extends Written {
  readonly what: string;
  /** What the dead letter says; undefined when the message is fine. */
  readonly letter: { readonly reason: DeadLetterReason; readonly path: string } | undefined;
}

export interface TableOptions {
  /** Codes that the stock list has, one for each message that is fine and more. */
  readonly codes: readonly string[];
  /** The days the market has. */
  readonly from: string;
  readonly to: string;
  /** A secret of the worker, which some inputs repeat. */
  readonly secret: string;
}

/** `worker.message_bytes_max` and `worker.codes_max` of a worker that gets the table. */
export const BYTES_MAX = 1_010_000;
export const CODES_MAX = 10_000;
export const MEGABYTE = 1_000_000;
/** In no market and in no list. */
export const UNKNOWN_CODE = "999999.SZ";

const DEEP = "[".repeat(10_000) + "]".repeat(10_000);
const BOM = "\u{feff}";

/** Chosen inputs: what each is set aside with, or that it is fine. No two are alike. */
export function poisonTable(options: TableOptions): readonly PoisonCase[] {
  return [
    ...notJson(),
    ...notAnObject(),
    ...wrongCommand(),
    ...wrongParameter(options),
    ...carriers(),
    ...fine(options),
  ];
}

function notJson(): readonly PoisonCase[] {
  const good = '{"code":"000001.SZ"}';
  // 平安银行 in GBK.
  const gbk = Buffer.from([0xc6, 0xbd, 0xb0, 0xb2, 0xd2, 0xf8, 0xd0, 0xd0]);
  const values: readonly (readonly [string, string | Buffer | undefined])[] = [
    ["a null value, Kafka's tombstone", undefined],
    ["an empty value", ""],
    ["white space alone", " \r\n\t "],
    ["words", "buy low, sell high"],
    ["half an object", '{"code":"000001.SZ"'],
    ["Python's own writing", "{'code': '000001.SZ'}"],
    ["a comma before the end", '{"code":"000001.SZ",}'],
    ["two objects in one value", `${good}\n${good}`],
    ["GBK", Buffer.concat([Buffer.from('{"command":"bar_snapshot","params":{"name":"'), gbk, Buffer.from('"}}')])],
    ["UTF-16 with its mark", Buffer.from(`${BOM}${good}`, "utf16le")],
    ["two byte order marks", `${BOM}${BOM}${good}`],
    ["gzip", gzipSync(good)],
    ["zeros", Buffer.alloc(64)],
    ["a nul between two tokens", '{"code":\0"000001.SZ"}'],
    ["a line end inside a text", '{"code":"000001\n.SZ"}'],
    [
      "a nul in two bytes of UTF-8",
      Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')]),
    ],
    [
      "half a surrogate pair in UTF-8",
      Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    ],
    ["the literal NaN", '{"code":"000001.SZ","days":NaN}'],
    ["the literal Infinity", '{"code":"000001.SZ","days":-Infinity}'],
    ["10,000 brackets that never close", "[".repeat(10_000)],
    ["a megabyte of open braces", '{"a":'.repeat(MEGABYTE / 5)],
  ];
  return values.map(([what, value]) => bad(what, value, "not-json", "$"));
}

function notAnObject(): readonly PoisonCase[] {
  const values: readonly (readonly [string, string])[] = [
    ["a list of good messages", '[{"code":"000001.SZ"}]'],
    ["a list 10,000 deep", DEEP],
    ["one text of a megabyte", `"${"x".repeat(MEGABYTE)}"`],
    ["a number beyond numbers", "1e400"],
    ["the word null", "null"],
    ["the word true", "true"],
  ];
  return values.map(([what, value]) => bad(what, value, "not-an-object", "$"));
}

function wrongCommand(): readonly PoisonCase[] {
  const words: readonly (readonly [string, string])[] = [
    ["an unknown command", '"buy_low"'],
    ["a command in another case", '"Bar_Snapshot"'],
    ["a command with a blank", '"bar_snapshot "'],
    ["an empty command", '""'],
    ["a number for a command", "7"],
    ["a list for a command", '["bar_snapshot"]'],
    ["a command 10,000 deep", DEEP],
    ["a command of a megabyte", `"${"x".repeat(MEGABYTE)}"`],
    ["a command that every object has", '"__proto__"'],
    ["half a surrogate pair for a command", '"\\ud800"'],
  ];
  const nothing: readonly (readonly [string, string])[] = [
    ["an empty object", "{}"],
    ["null for command and code", '{"command":null,"code":null}'],
    ["a command in __proto__", '{"__proto__":{"command":"trade_day"}}'],
    ["fields of nobody", '{"constructor":1,"toString":"x","symbol":"000001.SZ"}'],
  ];
  return [
    ...words.map(([what, word]) => bad(what, `{"command":${word},"params":{}}`, "unknown-command", "$.command")),
    ...nothing.map(([what, value]) => bad(what, value, "missing-parameter", "$.command")),
    bad("ticks of no code", '{"command":"tick","params":{}}', "missing-parameter", "$.params.code"),
    bad("factors without params", '{"command":"adjustfactor"}', "missing-parameter", "$.params.code"),
    bad(
      "update_data of no code",
      '{"command":"update_data","params":{"days":5}}',
      "missing-parameter",
      "$.params.code",
    ),
    bad("ticks", '{"command":"tick","params":{"code":"000001.SZ"}}', "not-supported", "$.command"),
    bad("a code beside the command", '{"command":"bar_snapshot","code":"000001.SZ"}', "bad-parameter", "$.code"),
    bad("params beside the short form", '{"code":"000001.SZ","params":{"full":true}}', "bad-parameter", "$.params"),
    bad("a list for params", '{"command":"bar_snapshot","params":["000001.SZ"]}', "bad-parameter", "$.params"),
    bad("a text for params", '{"command":"trade_day","params":"{}"}', "bad-parameter", "$.params"),
    bad("a number for params", '{"command":"stockinfo","params":0}', "bad-parameter", "$.params"),
  ];
}

function wrongParameter({ codes, secret }: TableOptions): readonly PoisonCase[] {
  const [code = ""] = codes;
  const manyCodes = Array.from({ length: CODES_MAX + 1 }, (_, index) => `${String(index).padStart(6, "0")}.SZ`);
  const over = JSON.stringify(manyCodes);
  const most = JSON.stringify(manyCodes.slice(0, CODES_MAX));
  const texts: readonly (readonly [string, string])[] = [
    ["code", '"000001.sz"'],
    ["code", '"000001.XX"'],
    ["code", '"000001"'],
    ["code", '" 000001.SZ"'],
    ["code", '"000001.SZ\\n"'],
    ["code", '"000001.SZ\\u0000"'],
    ["code", '"00001\\ud83d.SZ"'],
    ["code", '"😀😀😀😀😀😀.SZ"'],
    ["code", '"００００01.SZ"'],
    ["code", '""'],
    ["code", "1"],
    ["code", '["000001.SZ"]'],
    ["code", DEEP],
    ["code", `"${"0".repeat(MEGABYTE)}"`],
    ["codes", '"000001.SZ"'],
    ["codes", '{"0":"000001.SZ"}'],
    ["codes", "[]"],
    ["codes", over],
    ["start_date", '"-20240101"'],
    ["start_date", '"-000001-01-01"'],
    ["start_date", '"2024-13-01"'],
    ["start_date", '"20250230"'],
    ["start_date", "20240101"],
    ["start_date", "1e400"],
    ["end_date", '"10000-01-01"'],
    ["end_date", '"+275760-09-13"'],
    ["end_date", '"2025/01/02"'],
    ["end_date", '"2025-0102"'],
    ["end_date", '"2025-01-02T00:00:00Z"'],
    ["end_date", DEEP],
    ["days", "0"],
    ["days", "-1"],
    ["days", "1.5"],
    ["days", "1e400"],
    ["days", "9007199254740993"],
    ["days", '"5 days"'],
    ["days", '""'],
    ["days", "true"],
    ["full", '"yes"'],
    ["full", "1"],
    ["force", "[]"],
    ["overwrite", '""'],
    ["frequency", "1"],
    ["frequency", '["1d"]'],
    ["adjust_type", '"QFQ"'],
    ["provider", '"bloomberg"'],
    ["provider", '"__proto__"'],
    ["provider", "7"],
  ];
  return [
    ...texts.map(([name, text]) => {
      const first = name === "code" || name === "codes" ? "" : `"code":"${code}",`;
      const value = `{"command":"bar_snapshot","params":{${first}"${name}":${text}}}`;
      return bad(`${text.slice(0, 40)} for ${name}`, value, "bad-parameter", `$.params.${name}`);
    }),
    ...[
      ["a bad code among good ones", `"codes":["${code}","600000.sh"]`, "$.params.codes[1]"],
      ["a list among codes", `"codes":["${code}",["${code}"]]`, "$.params.codes[1]"],
      ["one code more than the most, in code and codes", `"code":"600000.SH","codes":${most}`, "$.params.codes"],
      ["a code twice, the last one bad", `"code":"${code}","code":"${code.toLowerCase()}"`, "$.params.code"],
    ].map(([what = "", params = "", path = ""]) =>
      bad(what, `{"command":"bar_snapshot","params":{${params}}}`, "bad-parameter", path),
    ),
    bad(
      "seconds for the short form's time",
      `{"code":"${code}","timestamp":1704067200}`,
      "bad-parameter",
      "$.timestamp",
    ),
    bad("a time in month 13", `{"code":"${code}","timestamp":"2024-13-01T00:00:00Z"}`, "bad-parameter", "$.timestamp"),
    bad(
      "a first day after the last",
      long(code, '"start_date":"20250102","end_date":"20250101"'),
      "start-after-end",
      "$.params.start_date",
    ),
    bad(
      "a first day after the short form's time",
      `{"code":"${code}","timestamp":"2025-01-01","start_date":"20250102"}`,
      "start-after-end",
      "$.start_date",
    ),
    bad("a last day far ahead", long(code, '"end_date":"9999-12-31"'), "future-day", "$.params.end_date"),
    bad("a first day far ahead", long(code, '"start_date":"29990101"'), "future-day", "$.params.start_date"),
    bad(
      "a time far ahead in the short form",
      `{"code":"${code}","timestamp":"2999-01-01T00:00:00+08:00"}`,
      "future-day",
      "$.timestamp",
    ),
    bad("a frequency of nobody", long(code, '"frequency":"2h"'), "not-supported", "$.params.frequency"),
    bad("a frequency in another case", long(code, '"frequency":"1D"'), "not-supported", "$.params.frequency"),
    bad("minutes of an index", long("000001.SH", '"frequency":"5m"'), "not-supported", "$.params.code"),
    bad("minutes of an index in the short form", '{"code":"000001.SH","frequency":"5m"}', "not-supported", "$.code"),
    bad("a provider that is not served", long(code, '"provider":"yahoo"'), "not-supported", "$.params.provider"),
    bad(
      "a provider that is not served, in the short form",
      `{"code":"${code}","provider":"yahoo"}`,
      "not-supported",
      "$.provider",
    ),
    bad("an unknown code", long(UNKNOWN_CODE, '"days":5'), "unknown-code", "$.params.code"),
    bad("an unknown code in the short form", `{"code":"${UNKNOWN_CODE}"}`, "unknown-code", "$.code"),
    bad(
      "an unknown code, alone in a list",
      `{"command":"adjustfactor","params":{"codes":["${UNKNOWN_CODE}"]}}`,
      "unknown-code",
      "$.params.codes",
    ),
    bad("an unknown code in a list of the short form", `{"codes":["${UNKNOWN_CODE}"]}`, "unknown-code", "$.codes"),
    bad("more bytes than the worker takes", `{"code":"${code}","note":"${"x".repeat(BYTES_MAX)}"}`, "too-large", "$"),
    bad("more bytes than the worker takes, of nothing", Buffer.alloc(BYTES_MAX + 1), "too-large", "$"),
    bad("a secret in words", `my token is ${secret}`, "not-json", "$"),
    bad("a secret cut by the excerpt", `{"command":"bar_snapshot","params":{"token":"${secret}"`, "not-json", "$"),
    bad("a secret for a command", `{"command":"${secret}"}`, "unknown-command", "$.command"),
    bad(
      "a request id without end",
      `{"request_id":"${"i".repeat(5_000)}","command":"tick","params":{"code":"${code}"}}`,
      "not-supported",
      "$.command",
    ),
    bad(
      "a request id in another script",
      `{"request_id":"${"价".repeat(5_000)}","command":"tick","params":{"code":"${code}"}}`,
      "not-supported",
      "$.command",
    ),
  ];
}

/** Bad in the same way, and each with a key or headers that are hard to keep. */
function carriers(): readonly PoisonCase[] {
  const text = (count: number, bytes: number): MessageHeaders =>
    Array.from({ length: count }, (_, index) => [`h-${index}`, Buffer.alloc(bytes, `${index}`)] as const);
  const odd: readonly (readonly [string, Partial<Written>])[] = [
    ["a null key", { key: undefined }],
    ["an empty key", { key: Buffer.alloc(0) }],
    ["an emoji key", { key: Buffer.from("🐢📈") }],
    ["a key that is no UTF-8", { key: Buffer.from([0xff, 0x00, 0xc6, 0xbd]) }],
    ["a key of 10,000 bytes", { key: Buffer.alloc(10_000, "k") }],
    ["200 headers", { headers: text(200, 20) }],
    [
      "a name three times among the headers",
      {
        headers: [
          ["hop", Buffer.from("1")],
          ["x-trace", Buffer.from("t")],
          ["hop", Buffer.from("2")],
          ["hop", undefined],
        ],
      },
    ],
    ["a header without value", { headers: [["absent", undefined]] }],
    ["a header with an empty value", { headers: [["empty", Buffer.alloc(0)]] }],
    ["a header that is no UTF-8", { headers: [["raw", Buffer.from([0xff, 0x00])]] }],
    ["a header without name", { headers: [["", Buffer.from("x")]] }],
    ["a header called __proto__", { headers: [["__proto__", Buffer.from("x")]] }],
    ["a header of ours, from a producer", { headers: [["x-ginkgo-reason", Buffer.from("defect")]] }],
    ["a count of redrives without value", { headers: [["x-ginkgo-redriven", undefined]] }],
    ["a count of redrives that is none", { headers: [["x-ginkgo-redriven", Buffer.alloc(900, "9")]] }],
    ["a header of 15,000 bytes", { headers: text(1, 15_000) }],
  ];
  return odd.map(([what, carrier]) => ({ ...bad(what, `${what} and no JSON`, "not-json", "$"), ...carrier }));
}

/** Strange and right. Each asks for a code of its own, the last for all of them. */
function fine({ codes, from, to }: TableOptions): readonly PoisonCase[] {
  const range = `"start_date":"${from}","end_date":"${to}"`;
  const values: readonly (readonly [string, (code: string) => string])[] = [
    ["a byte order mark", (code) => BOM + long(code, range)],
    ["white space around and inside", (code) => ` \r\n{ "code" :\t"${code}" , ${range} }\n\n`],
    ["the last of two codes", (code) => `{"code":"no code","code":"${code}",${range}}`],
    ["the last of two commands", (code) => long(code, range).replace("{", '{"command":7,')],
    ["escapes for letters", (code) => `{"\\u0063ode":"${code.replace("0", "\\u0030")}",${range}}`],
    ["a megabyte beside what counts", (code) => `{"note":"${"x".repeat(MEGABYTE)}","code":"${code}",${range}}`],
    ["a depth of 10,000 beside what counts", (code) => `{"note":${DEEP},"code":"${code}",${range}}`],
    ["a field called __proto__", (code) => `{"__proto__":{"frequency":"2h"},"code":"${code}",${range}}`],
    ["params with __proto__", (code) => long(code, `${range},"__proto__":{"days":"x"}`)],
    ["half a surrogate pair beside what counts", (code) => `{"note":"\\ud800","code":"${code}",${range}}`],
    [
      "half a surrogate pair and a nul for a request id",
      (code) => `{"request_id":"a\\ud800\\u0000","code":"${code}",${range}}`,
    ],
    ["a number beyond numbers beside what counts", (code) => `{"note":1e400,"code":"${code}",${range}}`],
    [
      "null for every parameter",
      (code) => long(code, `${range},"days":null,"full":null,"frequency":null,"provider":null`),
    ],
    ["Python's words", (code) => long(code, `${range},"full":"False","force":"True"`)],
    ["an odd time in the long form", (code) => long(code, range).replace("{", '{"timestamp":{"not":"a time"},')],
    ["a first day at the beginning of time", (code) => long(code, `"start_date":"00010101","end_date":"${to}"`)],
    ["a day before there was a market", (code) => long(code, '"start_date":"0000-01-01","end_date":"0000-12-31"')],
    ["more days than there are", (code) => long(code, '"days":50000')],
    [
      "the same code 10,000 times",
      (code) => `{"command":"bar_snapshot","params":{"codes":${JSON.stringify(Array(CODES_MAX).fill(code))},${range}}}`,
    ],
  ];
  const odd: readonly (readonly [string, Partial<Written>])[] = [
    ["a null key", { key: undefined }],
    ["an empty key", { key: Buffer.alloc(0) }],
    ["an emoji key", { key: Buffer.from("🐢") }],
    ["a header without value", { headers: [["absent", undefined]] }],
    ["200 headers", { headers: Array.from({ length: 200 }, (_, index) => [`h-${index}`, Buffer.from("v")]) }],
  ];
  const shapes = [
    ...values,
    ...odd.map(([what]) => [`${what} and a good value`, (code: string) => long(code, range)] as const),
  ];
  return [
    ...shapes.map(([what, value], index) => ({
      ...written(value(codes[index] ?? "")),
      ...odd[index - values.length]?.[1],
      what,
      letter: undefined,
    })),
    { ...written('{"command":"bar_snapshot","params":{}}'), what: "another component's command", letter: undefined },
    {
      ...written('{"command":"deploy","params":["whatever"]}'),
      what: "another's command with odd params",
      letter: undefined,
    },
    { ...written('{"command":"heartbeat_test","params":{}}'), what: "a beat", letter: undefined },
    {
      ...written(`{"command":"bar_snapshot","params":{"codes":${JSON.stringify(codes)},${range}}}`),
      what: `${codes.length} codes in one message`,
      letter: undefined,
    },
  ];
}

function long(code: string, params: string): string {
  return `{"command":"bar_snapshot","params":{"code":"${code}",${params}}}`;
}

function bad(what: string, value: string | Buffer | undefined, reason: DeadLetterReason, path: string): PoisonCase {
  return { ...written(value), what, letter: { reason, path } };
}

function written(value: string | Buffer | undefined): Written {
  return {
    key: Buffer.from("000001.SZ"),
    value: typeof value === "string" ? Buffer.from(value) : value,
    headers: [["x-trace", Buffer.from([0, 255, 10])]],
  };
}
