import assert from "node:assert/strict";
import { test } from "node:test";

import { ScriptedTushare, tableBody } from "../../../test/support/scripted-tushare.ts";
import { DataError } from "../../base/errors.ts";
import { addDays, parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Inquiry, Question, Source } from "../../ports/source.ts";

const never = new AbortController().signal;
const NOTHING: Question = { codes: [], day: undefined, from: undefined, to: undefined };
const DIVIDEND_FIELDS =
  "ts_code,end_date,ann_date,div_proc,stk_div,stk_bo_rate,stk_co_rate,cash_div,cash_div_tax,record_date,ex_date,pay_date,div_listdate,imp_ann_date";

function dividendsOf(source: Source): Inquiry {
  return source.inquiries?.find(({ name }) => name === "dividends") ?? assert.fail("no dividends");
}

test("dividends are told per share in yuan, plans without a day, of a range those that take effect in it", async () => {
  await using rig = await ScriptedTushare.open(({ params }) =>
    tableBody(DIVIDEND_FIELDS, [
      `["${params["ts_code"]}","20241231","20250315","预案",0.0,null,null,0.0,0.362,null,null,null,null,null]`,
      `["${params["ts_code"]}","20231231","20240315","实施",0.3,0.1,0.2,0.0,0.719,"20240613","20240614","20240614",null,"20240607"]`,
      `["${params["ts_code"]}","20221231","20230309","实施",0,null,null,0.285,0.285,"20230613","20230614","20230614",null,"20230606"]`,
    ]),
  );
  const asked = { ...NOTHING, codes: [parseSecurityCode("000001.SZ"), parseSecurityCode("600000.SH")] };
  const rows = await dividendsOf(rig.source).ask(asked, never);
  assert.equal(rows.length, 6);
  assert.deepEqual(
    rig.asked.map(({ params }) => params),
    [{ ts_code: "000001.SZ" }, { ts_code: "600000.SH" }],
  );
  assert.deepEqual(rows[1], {
    code: "000001.SZ",
    reportDay: "2023-12-31",
    announcedOn: "2024-03-15",
    stage: "carried-out",
    sharesPerShare: "0.3",
    bonusSharesPerShare: "0.1",
    reserveSharesPerShare: "0.2",
    cashPerShareBeforeTax: "0.719",
    cashPerShareAfterTax: "0",
    recordDay: "2024-06-13",
    exDay: "2024-06-14",
    payDay: "2024-06-14",
    sharesTradeOn: "",
    finalAnnouncedOn: "2024-06-07",
  });
  assert.deepEqual(
    [rows[0]?.["stage"], rows[0]?.["exDay"], rows[0]?.["cashPerShareBeforeTax"]],
    ["planned", "", "0.362"],
  );
  const ranged = await dividendsOf(rig.source).ask(
    { ...asked, from: parseDay("2024-06-14"), to: addDays(parseDay("2024-06-14"), 200) },
    never,
  );
  assert.deepEqual(
    ranged.map(({ code, exDay }) => [code, exDay]),
    [
      ["000001.SZ", "2024-06-14"],
      ["600000.SH", "2024-06-14"],
    ],
  );
});

test("dividends beyond one page are asked for by offset, and a cell that cannot be read is told", async () => {
  const row = `["000001.SZ","20231231","20240315","实施",0,0,0,0.1,0.1,"20240613","20240614","20240614",null,"20240607"]`;
  await using rig = await ScriptedTushare.open(({ params }) =>
    tableBody(DIVIDEND_FIELDS, params["offset"] === undefined ? [row, row] : [row], params["offset"] === undefined),
  );
  const asked = { ...NOTHING, codes: [parseSecurityCode("000001.SZ")] };
  assert.equal((await dividendsOf(rig.source).ask(asked, never)).length, 3);
  assert.equal(rig.asked[1]?.params["offset"], "2");
  await using broken = await ScriptedTushare.open(() =>
    tableBody(DIVIDEND_FIELDS, [row.replace("0.1,0.1", `"x",0.1`)]),
  );
  await assert.rejects(dividendsOf(broken.source).ask(asked, never), DataError);
});
