import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import {
  barsFrame,
  ScriptedBaostock,
  tableFrame,
  type BaostockScript,
} from "../../../test/support/scripted-baostock.ts";
import { systemClock } from "../../base/clock.ts";
import { DataError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Inquiry, Question } from "../../ports/source.ts";
import { openBaostockSource } from "./source.ts";

const never = new AbortController().signal;
const NOTHING: Question = { codes: [], day: undefined, from: undefined, to: undefined };
const CODES = [parseSecurityCode("600000.SH"), parseSecurityCode("000001.SZ")];
const RANGE = { from: parseDay("2023-06-01"), to: parseDay("2024-03-01") };

async function withServer(
  script: BaostockScript,
  use: (inquiry: (name: string) => Inquiry, server: ScriptedBaostock) => Promise<void>,
): Promise<void> {
  await using server = await ScriptedBaostock.open(script);
  const { port } = server;
  const common = { host: "127.0.0.1", port, user: "anonymous", password: "123456", clock: systemClock };
  await using source = openBaostockSource({ ...common, loginPauseMs: 0, rowsByPage: 2 });
  await use((name) => source.inquiries?.find((inquiry) => inquiry.name === name) ?? assert.fail(name), server);
}

test("weekly and monthly bars of each code, in canonical units", async () => {
  const script: BaostockScript = (asked) =>
    barsFrame(asked, [
      ["2024-01-05", asked.fields[4] ?? "", "6.6300", "6.6500", "6.5500", "6.6200", "100", "660.5000", "3"],
    ]);
  await withServer(script, async (inquiry, server) => {
    for (const [name, letter] of [
      ["weekly-bars", "w"],
      ["monthly-bars", "m"],
    ] as const) {
      const rows = await inquiry(name).ask({ ...NOTHING, codes: CODES, ...RANGE }, never);
      const bar = {
        day: "2024-01-05",
        open: "6.63",
        high: "6.65",
        low: "6.55",
        close: "6.62",
        volume: "100",
        turnover: "660.5",
      };
      assert.deepEqual(rows, [
        { code: "600000.SH", ...bar },
        { code: "000001.SZ", ...bar },
      ]);
      const fields = "date,code,open,high,low,close,volume,amount,adjustflag";
      const last = ["sz.000001", fields, "2023-06-01", "2024-03-01", letter, "3"];
      assert.deepEqual(server.asked.at(-1)?.fields.slice(4), last);
    }
  });
});

test("an answer of several pages is read to its end", async () => {
  const rows = Array.from({ length: 5 }, (_, index) => [`sh.60000${index}`, index === 4 ? "0" : "1", `名${index}`]);
  const script: BaostockScript = (asked) => {
    const from = (Number(asked.fields[2]) - 1) * 2;
    return tableFrame(asked, "code, tradeStatus, code_name", rows.slice(from, from + 2), 1);
  };
  await withServer(script, async (inquiry, server) => {
    const day = parseDay("2024-01-02");
    const answers = await inquiry("all-securities").ask({ ...NOTHING, day }, never);
    assert.equal(answers.length, 5);
    assert.deepEqual(answers[0], { code: "600000.SH", name: "名0", status: "trading" });
    assert.equal(answers[4]?.["status"], "suspended");
    assert.deepEqual(
      server.asked.slice(1).map(({ fields }) => fields[2]),
      ["1", "2", "3"],
    );
  });
});

const CAPTURE = `${process.env["GINKGO_TEST_DATA"] ?? "../shared/data"}/baostock/query_dividend_data/response.bin`;

test(
  "dividends are asked for year by year, and the captured one is read",
  { skip: existsSync(CAPTURE) ? false : `SKIPPED: no capture at ${CAPTURE}` },
  async () => {
    // The header's two separators stand before the elements of the body.
    const elements = readFileSync(CAPTURE, "utf8").split("\u0001").slice(2);
    const [data = "", columns = ""] = [elements[6], elements[10]];
    const { record } = JSON.parse(data) as { readonly record: readonly (readonly string[])[] };
    const script: BaostockScript = (asked) => tableFrame(asked, columns, asked.fields[5] === "2023" ? record : [], 3);
    await withServer(script, async (inquiry, server) => {
      const answers = await inquiry("dividends").ask({ ...NOTHING, codes: CODES.slice(0, 1), ...RANGE }, never);
      assert.deepEqual(
        server.asked.slice(1).map(({ fields }) => fields.slice(4)),
        [
          ["sh.600000", "2023", "operate"],
          ["sh.600000", "2024", "operate"],
        ],
      );
      assert.equal(answers.length, 1);
      const { exDay, recordDay, cashPerShareBeforeTax, cashPerShareAfterTax, code } = answers[0] ?? {};
      assert.deepEqual([code, recordDay, exDay], ["600000.SH", "2023-07-20", "2023-07-21"]);
      assert.deepEqual([cashPerShareBeforeTax, cashPerShareAfterTax], ["0.32", "0.288或0.32"]);
    });
  },
);

test("industries by code", async () => {
  const columns = "updateDate, code, code_name, industry, industryClassification";
  const row = ["2024-01-01", "sh.600000", "浦发银行", "J66货币金融服务", "证监会行业分类"];
  await withServer(
    (asked) => tableFrame(asked, columns, [row], 2),
    async (inquiry, server) => {
      const answers = await inquiry("industries").ask({ ...NOTHING, codes: CODES.slice(0, 1) }, never);
      const expected = { industry: "J66货币金融服务", classification: "证监会行业分类", updatedOn: "2024-01-01" };
      assert.deepEqual(answers, [{ code: "600000.SH", name: "浦发银行", ...expected }]);
      assert.deepEqual(server.asked.at(-1)?.fields.slice(4), ["sh.600000", ""]);
    },
  );
});

test("a question without what it wants is the caller's defect, and a cell that is none is said", async () => {
  await withServer(
    (asked) => tableFrame(asked, "code, tradeStatus, code_name", [["sh.600000", 1, "x"]], 1),
    async (inquiry) => {
      for (const name of ["dividends", "weekly-bars", "monthly-bars", "all-securities"]) {
        await assert.rejects(async () => inquiry(name).ask({ ...NOTHING, codes: CODES }, never), RangeError, name);
      }
      await assert.rejects(
        inquiry("all-securities").ask({ ...NOTHING, day: parseDay("2024-01-02") }, never),
        DataError,
      );
    },
  );
});
