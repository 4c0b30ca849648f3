import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import type { AppApi } from "../../app/app-api.ts";
import type { Asked, AskedRows, InquiryHelp } from "../../app/ask-api.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";

const KNOWN: readonly InquiryHelp[] = [
  { name: "quotes", help: "the last price", wants: ["codes"] },
  { name: "minute-line", help: "a day by minutes", wants: ["codes", "day"] },
  { name: "dividends", help: "what was paid", wants: ["codes", "range"], needs: ["from"] },
  { name: "all", help: "everything of a day", wants: ["day"], needs: ["day"] },
];
const QUOTES: AskedRows = {
  columns: ["code", "pre_close"],
  rows: [{ code: "000001.SZ", pre_close: "11.5" }],
  missing: [],
  ms: 1,
};

function askApp(answer: AskedRows): { readonly app: Partial<AppApi>; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const app: Partial<AppApi> = {
    inquiries: () => Promise.resolve(KNOWN),
    ask: (_config, question) => {
      asked.push(question);
      return Promise.resolve(answer);
    },
  };
  return { app, asked };
}

test("ask without a question says what there is, and in brackets what may be left out", async () => {
  const { app, asked } = askApp(QUOTES);
  const { code, out } = await run(["ask", "tdx"], { app });
  assert.equal(code, 0);
  assert.match(out, /^minute-line +CODES \[--day\] +a day by minutes$/m);
  assert.match(out, /^dividends +CODES --from \[--to\] +what was paid$/m);
  assert.match(out, /^all +--day +everything of a day$/m);
  assert.deepEqual(asked, []);
});

test("ask refuses what does not fit before a call is spent", async () => {
  const { app, asked } = askApp(QUOTES);
  for (const [args, words] of [
    [["dividends", "600000.SH"], "wants --from"],
    [["dividends", "600000.SH", "--to", "2024-01-02"], "wants --from"],
    [["all"], "wants --day"],
    [["quotes"], "wants codes"],
    [["quotes", "600000.SH", "--day", "2024-01-02"], "takes no --day"],
    [["all", "600000.SH", "--day", "2024-01-02"], "not about codes"],
    [["nothing"], "expected one of quotes, minute-line, dividends, all"],
  ] as const) {
    const { code, err } = await run(["ask", "tdx", ...args], { app });
    assert.equal(code, 64, args.join(" "));
    assert.match(err, new RegExp(words));
  }
  assert.deepEqual(asked, []);
});

test("ask prints what came, names the codes it has nothing of, and ends with 1 for those", async () => {
  const whole = await run(["ask", "tdx", "quotes", "000001.SZ", "--format", "csv"], askApp(QUOTES));
  assert.deepEqual([whole.code, whole.out, whole.err], [0, "code,pre_close\n000001.SZ,11.5\n", ""]);

  const missing = [parseSecurityCode("999999.SZ")];
  const part = await run(["ask", "tdx", "quotes", "000001.SZ,999999.SZ"], askApp({ ...QUOTES, missing }));
  assert.equal(part.code, 1);
  assert.match(part.out, /11\.5/);
  assert.equal(part.err, "gdw: tdx has no quotes of 999999.SZ\n");

  const nothing = await run(["ask", "tdx", "all", "--day", "2024-01-06"], askApp({ ...QUOTES, columns: [], rows: [] }));
  assert.deepEqual([nothing.code, nothing.out, nothing.err], [1, "", "gdw: tdx has no all\n"]);
});
