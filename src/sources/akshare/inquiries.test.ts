import assert from "node:assert/strict";
import { test } from "node:test";

import { SPOT_NOTHING, SPOT_PAGE } from "../../../test/fixtures/akshare/golden-samples.ts";
import { openAkshareRig } from "../../../test/support/akshare-rig.ts";
import type { HttpAsked, HttpReply } from "../../../test/support/scripted-http.ts";
import { TransientError } from "../../base/errors.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";

const never = new AbortController().signal;
const NOTHING_ASKED = { codes: [], day: undefined, from: undefined, to: undefined };

async function ask(
  name: string,
  codes: readonly string[],
  reply: (asked: HttpAsked) => HttpReply,
): Promise<{ readonly rows: readonly Readonly<Record<string, string>>[]; readonly urls: readonly string[] }> {
  await using rig = await openAkshareRig(reply);
  const inquiry = rig.source.inquiries?.find((one) => one.name === name) ?? assert.fail(name);
  const question = { ...NOTHING_ASKED, codes: codes.map((code) => parseSecurityCode(code)) };
  const rows = await inquiry.ask(question, never);
  return { rows, urls: rig.server.asked.map(({ url }) => url) };
}

test("all prices come in pages as long as the first one is, each code once", async () => {
  const priceOf = (digits: string): string => `{"f2":10.10,"f5":7,"f6":7070.5,"f12":"${digits}","f13":0,"f14":"n"}`;
  const { rows, urls } = await ask("spot", [], ({ url }) => {
    const page = Number(new URL(url, "http://x").searchParams.get("pn"));
    // The last code moved to the next page while pages were turned.
    const digits = [["000001", "000002"], ["000002", "920003"], ["000004"]][page - 1] ?? [];
    return `{"rc":0,"data":{"total":5,"diff":[${digits.map(priceOf).join(",")}]}}`;
  });
  assert.deepEqual(
    rows.map(({ code, price, volume, turnover, open }) => [code, price, volume, turnover, open]),
    ["000001.SZ", "000002.SZ", "920003.BJ", "000004.SZ"].map((code) => [code, "10.1", "700", "7070.5", ""]),
  );
  assert.equal(urls.length, 3);
  assert.match(urls[0] ?? "", /^\/api\/qt\/clist\/get\?pn=1&pz=100&po=1&np=1&.*&fid=f12&fs=m:0\+t:6,m:0\+t:80,/);
});

test("a recorded page has a code's name as it stands there, and nothing for a price that there is not", async () => {
  const { rows } = await ask("spot", [], () => SPOT_PAGE.replace(`"total":5535`, `"total":3`));
  assert.deepEqual(
    rows.map(({ name, price, previousClose }) => [name, price, previousClose]),
    [
      ["平安银行", "10.47", "10.5"],
      ["万  科Ａ", "2.99", "3.07"],
      ["PT金田A", "", "2.71"],
    ],
  );
  await assert.rejects(
    ask("spot", [], () => SPOT_NOTHING),
    TransientError,
  );
});

test("a quote's prices have so many digits behind the point as it says, of Hong Kong in shares", async () => {
  const quote = (code: string, places: number): string =>
    `{"rc":0,"data":{"f43":10470,"f44":"-","f45":10000,"f46":10100,"f47":12,"f48":125640.5,"f57":"${code}","f58":"n","f59":${places},"f60":10500}}`;
  const { rows, urls } = await ask("quotes", ["600000.SH", "00700.HK"], ({ url }) =>
    url.includes("secid=116.") ? quote("00700", 3) : quote("600000", 2),
  );
  assert.deepEqual(
    rows.map(({ code, price, high, previousClose, volume }) => [code, price, high, previousClose, volume]),
    [
      ["600000.SH", "104.7", "", "105", "1200"],
      ["00700.HK", "10.47", "", "10.5", "12"],
    ],
  );
  assert.match(urls[0] ?? "", /^\/api\/qt\/stock\/get\?secid=1\.600000&fields=f43,/);
  assert.deepEqual((await ask("quotes", ["600001.SH"], () => `{"rc":0,"data":null}`)).rows, []);
  await assert.rejects(
    ask("quotes", ["600001.SH"], () => quote("600000", 2)),
    TransientError,
  );
});
