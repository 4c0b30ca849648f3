import { gzipSync } from "node:zlib";

import * as fc from "fast-check";

import type { DeadLetterReason } from "../../src/domain/dead-letter.ts";
import type { PoisonCase } from "./poison-table.ts";

/**
 * Random messages whose fate is known from how they are made, not from reading them: a message that is fine, drawn with
 * everything about it that does not matter, and in the bad ones exactly one fault.
 */
export interface GeneratorOptions {
  /** Codes that the stock list has. */
  readonly codes: readonly string[];
  readonly from: string;
  readonly to: string;
  /** `worker.message_bytes_max`. */
  readonly bytesMax: number;
}

type Member = readonly [name: string, json: string];

interface Fault {
  readonly what: string;
  readonly value: string | Buffer | undefined;
  readonly reason: DeadLetterReason;
  readonly path: string;
}

/** The contract's words, said again here: what the worker's own table says is what is tested. */
const COMMANDS =
  "bar_snapshot update_data tick adjustfactor stockinfo trade_day heartbeat_test update_selector paper_trading deploy unload reload".split(
    " ",
  );
/** Nobody of the chain has them. */
const FREQUENCIES = ["1m", "5m", "15m", "30m", "60m", "1d", "1w", "1M"];
const PROVIDERS = ["tushare", "yahoo", "akshare", "baostock", "tdx"];
/** Six of these, as many as a message has at most, leave it below the most a worker takes. */
const LARGE_BYTES_MAX = 30_000;

export function goodMessages(options: GeneratorOptions, code: string): fc.Arbitrary<PoisonCase> {
  const { from, to } = options;
  const members = fc.constantFrom<readonly Member[]>(
    [["code", quote(code)]],
    [["codes", JSON.stringify([code])]],
    [["codes", JSON.stringify([code, code, ...options.codes.slice(0, 2)])]],
  );
  const range: readonly Member[] = [
    ["start_date", quote(from)],
    ["end_date", quote(to)],
  ];
  const value = members.chain((codes) => message([...codes, ...range])).map(({ text }) => text);
  return carried(value.map((text) => ({ what: `good ${code}`, value: Buffer.from(text), letter: undefined })));
}

export function badMessages(options: GeneratorOptions): fc.Arbitrary<PoisonCase> {
  const faults = fc.oneof(
    { weight: 4, arbitrary: notJson(options) },
    { weight: 1, arbitrary: notAnObject() },
    { weight: 2, arbitrary: wrongCommand() },
    { weight: 2, arbitrary: wrongShape(options) },
    { weight: 8, arbitrary: wrongParameter(options) },
    { weight: 2, arbitrary: wrongDays(options) },
    { weight: 1, arbitrary: unknownCode(options) },
    // Enough of them that a worker that kept their values would be seen to grow.
    { weight: 2, arbitrary: tooLarge(options) },
  );
  return carried(
    faults.map(({ what, value, reason, path }) => ({
      what: `${what}: ${excerptOf(value)}`,
      value: typeof value === "string" ? Buffer.from(value) : value,
      letter: { reason, path },
    })),
  );
}

function notJson(options: GeneratorOptions): fc.Arbitrary<Fault> {
  const good = fc.constantFrom(...options.codes).chain((code) => message([["code", quote(code)]]));
  const bytes = good.map(({ text }) => Buffer.from(text));
  const garbage = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
  const named = (what: string, value: fc.Arbitrary<string | Buffer | undefined>): fc.Arbitrary<Fault> =>
    value.map((one) => ({ what, value: one, reason: "not-json", path: "$" }));
  // No byte of these occurs in UTF-8.
  const alien = fc.constantFrom(0xc0, 0xc1, 0xf5, 0xfe, 0xff);
  const literal = fc.constantFrom("NaN", "-Infinity", "undefined", "01", "0x1f", "'a'", "None", "True", "1.", "+1", "");
  return fc.oneof(
    named("nothing", fc.constantFrom(undefined, "", " ", "\r\n\t")),
    named("cut short", cutAnywhere(bytes)),
    named("with a tail", fc.tuple(good, fc.constantFrom("x", "}", ",", "]", "{}", "\0", '"')).map(join)),
    named("with a head", fc.tuple(fc.constantFrom("x", "{", ",", "\0", "//\n", "\u{feff}\u{feff}"), good).map(join)),
    named(
      "bytes of nobody",
      fc.tuple(alien, garbage).map(([first, rest]) => Buffer.concat([Buffer.from([first]), rest])),
    ),
    named(
      "a byte that is no UTF-8",
      fc.tuple(bytes, alien, fc.nat()).map(([value, byte, at]) => {
        const place = at % (value.length + 1);
        return Buffer.concat([value.subarray(0, place), Buffer.from([byte]), value.subarray(place)]);
      }),
    ),
    named(
      "a literal of another language",
      literal.chain((text) => message([["x", text]])).map(({ text }) => text),
    ),
    named(
      "a raw control character",
      fc
        .nat(31)
        .chain((code) => message([["x", `"${String.fromCodePoint(code)}"`]]))
        .map(({ text }) => text),
    ),
    named(
      "UTF-16",
      good.map(({ text }) => Buffer.from(`\u{feff}${text}`, "utf16le")),
    ),
    named(
      "gzip",
      bytes.map((value) => gzipSync(value)),
    ),
    named(
      "brackets that never close",
      fc.integer({ min: 1, max: 20_000 }).map((count) => "[".repeat(count)),
    ),
  );
}

function cutAnywhere(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  // An object's text is none without its last brace, however much of it is there.
  return fc.tuple(bytes, fc.nat()).map(([value, at]) => value.subarray(0, 1 + (at % (value.length - 1))));
}

function notAnObject(): fc.Arbitrary<Fault> {
  const deep = fc.integer({ min: 1, max: 20_000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth));
  const value = fc.oneof(
    fc.array(fc.json(), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    fc.string({ unit: "binary" }).map(quote),
    fc.double().filter(Number.isFinite).map(String),
    fc.constantFrom("null", "true", "false", "1e999", '""'),
    deep,
  );
  return value.map((text) => ({ what: "no object", value: text, reason: "not-an-object", path: "$" }));
}

function wrongCommand(): fc.Arbitrary<Fault> {
  const near = fc
    .constantFrom(...COMMANDS)
    .chain((word) => fc.constantFrom(word.toUpperCase(), ` ${word}`, `${word}s`, word.slice(1)));
  const word = fc.oneof(near, fc.string({ unit: "binary" }), fc.constantFrom("__proto__", "constructor", "toString"));
  const json = fc.oneof(word.filter((text) => !COMMANDS.includes(text)).map(quote), notText());
  return json
    .chain((text) =>
      render([
        ["command", text],
        ["params", "{}"],
      ]),
    )
    .map((value) => ({ what: "an unknown command", value, reason: "unknown-command", path: "$.command" }));
}

/** Things in the wrong place, or not there. */
function wrongShape({ codes }: GeneratorOptions): fc.Arbitrary<Fault> {
  const code = fc.constantFrom(...codes).map(quote);
  const withParams = fc.constantFrom("bar_snapshot", "update_data", "tick", "adjustfactor", "stockinfo", "trade_day");
  const needsCode = fc.constantFrom("update_data", "tick", "adjustfactor");
  const fault = (
    what: string,
    reason: DeadLetterReason,
    path: string,
    value: fc.Arbitrary<string>,
  ): fc.Arbitrary<Fault> => value.map((text) => ({ what, value: text, reason, path }));
  return fc.oneof(
    fault("nothing of ours", "missing-parameter", "$.command", render([])),
    fault(
      "no code",
      "missing-parameter",
      "$.params.code",
      needsCode.chain((word) =>
        render([
          ["command", quote(word)],
          ["params", '{"days":5}'],
        ]),
      ),
    ),
    fault(
      "params that are none",
      "bad-parameter",
      "$.params",
      fc.tuple(withParams, fc.oneof(notObject())).chain(([word, params]) =>
        render([
          ["command", quote(word)],
          ["params", params],
        ]),
      ),
    ),
    fault(
      "a code beside the command",
      "bad-parameter",
      "$.code",
      fc.tuple(needsCode, code).chain(([word, text]) =>
        render([
          ["command", quote(word)],
          ["code", text],
        ]),
      ),
    ),
    fault(
      "params beside the short form",
      "bad-parameter",
      "$.params",
      code.chain((text) =>
        render([
          ["code", text],
          ["params", '{"full":true}'],
        ]),
      ),
    ),
    fault(
      "ticks",
      "not-supported",
      "$.command",
      code.chain((text) =>
        render([
          ["command", '"tick"'],
          ["params", `{"code":${text}}`],
        ]),
      ),
    ),
  );
}

function wrongParameter({ codes }: GeneratorOptions): fc.Arbitrary<Fault> {
  const code = fc.constantFrom(...codes);
  const bad = (
    name: string,
    json: fc.Arbitrary<string>,
    reason: DeadLetterReason = "bad-parameter",
  ): fc.Arbitrary<Fault> =>
    fc.tuple(code, json).chain(([good, text]) => {
      const first: readonly Member[] = name === "code" || name === "codes" ? [] : [["code", quote(good)]];
      return message([...first, [name, text]]).map((made) => ({
        what: `a wrong ${name}`,
        value: made.text,
        reason,
        path: `${made.path}.${name}`,
      }));
    });
  const noCode = fc.oneof(
    fc.string({ unit: "binary" }).filter((text) => !/^\d{6}\.(?:SH|SZ|BJ)$/.test(text)),
    code.chain((text) =>
      fc.constantFrom(
        text.toLowerCase(),
        ` ${text}`,
        `${text}\n`,
        `${text}\0`,
        text.slice(1),
        text.slice(0, 6),
        `${text}X`,
      ),
    ),
  );
  const noCodeJson = fc.oneof(noCode.map(quote), notText());
  // Every day begins with a digit and has ten characters or eight.
  const noDay = fc.oneof(
    fc.string({ unit: "binary" }).filter((text) => !/^\d/.test(text)),
    fc
      .tuple(fc.integer({ min: 1990, max: 2025 }), fc.integer({ min: 13, max: 99 }))
      .map(([year, month]) => `${year}-${month}-01`),
    fc
      .tuple(fc.integer({ min: 1990, max: 2025 }), fc.integer({ min: 32, max: 99 }))
      .map(([year, day]) => `${year}01${day}`),
    fc.integer({ min: 1990, max: 2025 }).map((year) => `${year}0230`),
    fc.constantFrom("10000-01-01", "2025-1-2", "2025/01/02", "2025-0102", "20250102 ", "2025-01-02T00:00:00Z"),
  );
  const noDayJson = fc.oneof(noDay.map(quote), notText());
  const noCount = fc.oneof(
    fc.integer({ max: 0 }).map(String),
    fc.integer({ min: 50_001 }).map(String),
    fc.double({ min: 0.1, max: 0.9 }).map(String),
    fc.constantFrom("1e400", "-1e400", "true", "false", "[5]", "{}", '""', '"0"', '"-1"', '"1.5"', '"50001"', '"5 "'),
  );
  const noClaim = fc.oneof(
    fc
      .string()
      .filter((text) => !/^(?:true|false)$/i.test(text))
      .map(quote),
    fc.constantFrom("0", "1", "[]", "{}"),
  );
  const noneOf = (words: readonly string[]): fc.Arbitrary<string> =>
    fc
      .oneof(
        fc.string({ unit: "binary" }),
        fc.constantFrom(...words.map((word) => `${word} `), "__proto__", "constructor"),
      )
      .filter((text) => !words.includes(text))
      .map(quote);
  return fc.oneof(
    bad("code", noCodeJson),
    bad("codes", fc.oneof(fc.constantFrom("[]", "{}", "0", "true"), noCode.map(quote))),
    badCodeInList(code, noCodeJson),
    bad("start_date", noDayJson),
    bad("end_date", noDayJson),
    bad("days", noCount),
    bad("full", noClaim),
    bad("force", noClaim),
    bad("overwrite", noClaim),
    bad("frequency", notText()),
    bad("frequency", noneOf(FREQUENCIES), "not-supported"),
    bad("adjust_type", fc.oneof(noneOf(["qfq", "hfq", "none"]), notText())),
    bad("provider", fc.oneof(noneOf(PROVIDERS), notText())),
    bad("provider", fc.constantFrom(...PROVIDERS.filter((one) => one !== "tushare")).map(quote), "not-supported"),
  );
}

function badCodeInList(code: fc.Arbitrary<string>, bad: fc.Arbitrary<string>): fc.Arbitrary<Fault> {
  return fc
    .tuple(fc.array(code, { maxLength: 40 }), bad, fc.array(code, { maxLength: 40 }))
    .chain(([before, one, after]) =>
      message([["codes", `[${[...before.map(quote), one, ...after.map(quote)].join(",")}]`]]).map(({ text, path }) => ({
        what: "a wrong code in a list",
        value: text,
        reason: "bad-parameter" as const,
        path: `${path}.codes[${before.length}]`,
      })),
    );
}

function wrongDays({ codes }: GeneratorOptions): fc.Arbitrary<Fault> {
  const code = fc.constantFrom(...codes).map(quote);
  const day = fc.date({ min: new Date("1991-01-01"), max: new Date("2025-12-30"), noInvalidDate: true });
  const backwards = fc.tuple(day, day, code).filter(([one, other]) => isoDay(one) !== isoDay(other));
  const ahead = fc.tuple(fc.integer({ min: 2100, max: 9998 }), code, fc.constantFrom("start_date", "end_date"));
  return fc.oneof(
    backwards.chain(([one, other, text]) => {
      const [end, start] = one < other ? [one, other] : [other, one];
      return message([
        ["code", text],
        ["start_date", quote(isoDay(start))],
        ["end_date", quote(isoDay(end).replaceAll("-", ""))],
      ]).map((made) => ({
        what: "a first day after the last",
        value: made.text,
        reason: "start-after-end" as const,
        path: `${made.path}.start_date`,
      }));
    }),
    ahead.chain(([year, text, name]) =>
      message([
        ["code", text],
        [name, quote(`${year}-06-30`)],
      ]).map((made) => ({
        what: "a day ahead",
        value: made.text,
        reason: "future-day" as const,
        path: `${made.path}.${name}`,
      })),
    ),
    fc.tuple(fc.integer({ min: 2100, max: 9998 }), code).chain(([year, text]) =>
      render([
        ["code", text],
        ["timestamp", quote(`${year}-06-30T12:00:00+08:00`)],
      ]).map((value) => ({
        what: "a time ahead",
        value,
        reason: "future-day" as const,
        path: "$.timestamp",
      })),
    ),
    fc
      .tuple(
        fc.oneof(
          notText(),
          fc
            .string({ unit: "binary" })
            .filter((text) => !/^\d/.test(text))
            .map(quote),
        ),
        code,
      )
      .chain(([time, text]) =>
        render([
          ["code", text],
          ["timestamp", time],
        ]).map((value) => ({
          what: "a time that is none",
          value,
          reason: "bad-parameter" as const,
          path: "$.timestamp",
        })),
      ),
  );
}

function unknownCode({ codes }: GeneratorOptions): fc.Arbitrary<Fault> {
  const unknown = fc
    .nat(9_999)
    .map((number) => `99${String(number).padStart(4, "0")}.BJ`)
    .filter((code) => !codes.includes(code));
  return fc
    .tuple(unknown, fc.constantFrom("code", "codes"), fc.array(fc.constantFrom(...codes), { maxLength: 3 }))
    .chain(([code, name, others]) => {
      const json = name === "code" ? quote(code) : JSON.stringify([...others, code]);
      return message([
        [name, json],
        ["start_date", '"2025-12-30"'],
        ["end_date", '"2025-12-31"'],
      ]).map(({ text, path }) => ({
        what: "an unknown code",
        value: text,
        reason: "unknown-code" as const,
        path: `${path}.${name}`,
      }));
    });
}

function tooLarge({ codes, bytesMax }: GeneratorOptions): fc.Arbitrary<Fault> {
  return fc.tuple(fc.constantFrom(...codes), fc.integer({ min: bytesMax / 2, max: bytesMax })).chain(([code, over]) =>
    render([
      ["code", quote(code)],
      ["x", quote("x".repeat(bytesMax + over))],
    ]).map((value) => ({
      what: "more bytes than the worker takes",
      value,
      reason: "too-large" as const,
      path: "$",
    })),
  );
}

interface Made {
  readonly text: string;
  /** Where the parameters stand in it. */
  readonly path: string;
}

/** Parameters in either form of a message. */
function message(params: readonly Member[]): fc.Arbitrary<Made> {
  return fc.oneof(
    render(params).map((text) => ({ text, path: "$" })),
    fc.constantFrom("bar_snapshot", "update_data").chain((word) =>
      render(params).chain((inner) =>
        render([
          ["command", quote(word)],
          ["params", inner],
        ]).map((text) => ({ text, path: "$.params" })),
      ),
    ),
  );
}

/** A JSON object in any order, with any white space, and beside what counts fields that mean nothing. */
function render(members: readonly Member[]): fc.Arbitrary<string> {
  const large = fc.nat(LARGE_BYTES_MAX).map((count) => quote("y".repeat(count)));
  const deep = fc.integer({ min: 1, max: 5_000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth));
  const json = fc.oneof(
    { weight: 30, arbitrary: fc.json() },
    { weight: 2, arbitrary: large },
    { weight: 1, arbitrary: deep },
  );
  const noise = fc.array(
    fc.tuple(
      fc.string().map((name) => `x_${name}`),
      json,
    ),
    { maxLength: 3 },
  );
  const blank = fc.constantFrom("", "", " ", "\n", "\r\n\t");
  return fc
    .tuple(noise, fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), blank, blank)
    .map(([others, order, left, right]) => {
      const all = [...members, ...others];
      const placed = all.map((member, index) => ({ member, at: order[index % order.length] ?? 0 }));
      const texts = placed
        .toSorted((one, other) => one.at - other.at)
        .map(({ member: [name, text] }) => `${left}${quote(name)}${right}:${left}${text}${right}`);
      return `{${texts.join(",")}${left}}`;
    });
}

/** With a key and headers of any kind. */
function carried(made: fc.Arbitrary<Omit<PoisonCase, "key" | "headers">>): fc.Arbitrary<PoisonCase> {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  const key = fc.option(bytes, { nil: undefined });
  const header = fc.tuple(
    fc.oneof(fc.constant("hop"), fc.string({ maxLength: 20 })).filter((name) => !name.startsWith("x-ginkgo-")),
    fc.option(bytes, { nil: undefined }),
  );
  const headers = fc.array(header, { maxLength: 4 });
  return fc
    .tuple(made, key, headers)
    .map(([one, withKey, withHeaders]) => ({ ...one, key: withKey, headers: withHeaders }));
}

/** JSON that is neither a text nor null, which means nothing is there. */
function notText(): fc.Arbitrary<string> {
  return fc.oneof(fc.integer().map(String), fc.constantFrom("true", "false", "[]", "{}", "1e400", '["1d"]', '{"a":1}'));
}

function notObject(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string().map(quote),
    fc.integer().map(String),
    fc.constantFrom("true", "false", "[]", '["600000.SH"]'),
  );
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function join([one, other]: readonly [Made | string, Made | string]): string {
  return [one, other].map((part) => (typeof part === "string" ? part : part.text)).join("");
}

function isoDay(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function excerptOf(value: string | Buffer | undefined): string {
  return value === undefined ? "null" : value.toString("utf8").slice(0, 200);
}
