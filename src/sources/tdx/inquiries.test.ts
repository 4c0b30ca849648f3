import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../base/clock.ts";
import { DataError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Question } from "../../ports/source.ts";
import {
  barsBody,
  HANDSHAKE_BODY,
  startTdxServer,
  uint16,
  uint32,
  type TdxReply,
  type TdxRequest,
} from "../../../test/support/tdx-server.ts";
import { FrameReader, unpackBody } from "./frame.ts";
import { openTdxSource } from "./source.ts";

const GOLDEN = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../test/fixtures/tdx/golden-samples.json"), "utf8"),
) as Readonly<Record<string, Readonly<Record<string, string>>>>;
const BANK = parseSecurityCode("000001.SZ");
const WATER = parseSecurityCode("600008.SH");
const TODAY = parseDay("2026-03-06");
const clock: Clock = { ...systemClock, now: () => Temporal.Instant.from(`${TODAY}T18:00:00+08:00`) };

function body(name: string): Buffer {
  const sample = GOLDEN[name];
  const inner = sample?.["body"] ?? sample?.["bodyBegin"];
  if (inner !== undefined) {
    return Buffer.from(inner, "hex");
  }
  const [frame] = [...new FrameReader().push(Buffer.from(sample?.["answer"] ?? "", "hex"))];
  assert.ok(frame !== undefined, `${name} is no sample`);
  return unpackBody(frame);
}

/** Answers every question with the recorded body. */
function recorded({ type, body: asked }: TdxRequest): TdxReply {
  switch (type) {
    case 0x000d:
      return HANDSHAKE_BODY;
    case 0x0004:
      return Buffer.concat([Buffer.alloc(6), uint32(20_260_306)]);
    case 0x052d:
      return barsBody([{ time: TODAY, open: 1, high: 1, low: 1, close: 1, volume: 1, amount: 1 }], true);
    case 0x053e:
      return body("quotes");
    case 0x0fb4:
      return body("minuteLinePast");
    case 0x051d:
      return body("minuteLineToday");
    case 0x000f: {
      const ten = body("corporateActions");
      ten.writeUInt16LE(10, 9);
      return ten;
    }
    case 0x044e:
      return asked.readUInt16LE(0) === 0 ? body("countShenzhen") : Buffer.from("b333", "hex");
    case 0x0450:
      return asked.readUInt16LE(0) === 0 ? body("securityList") : uint16(0);
    default:
      return undefined;
  }
}

type Row = Readonly<Record<string, string>>;

async function ask(name: string, question: Partial<Question>): Promise<readonly Row[]> {
  await using server = await startTdxServer(recorded);
  const servers = [{ host: "127.0.0.1", port: server.port }];
  await using source = openTdxSource({ servers, clock, pauseMs: 0, callMsMax: 1_000 });
  const inquiry = source.inquiries?.find((one) => one.name === name);
  assert.ok(inquiry !== undefined, `no inquiry ${name}`);
  const whole = { codes: [], day: undefined, from: undefined, to: undefined, ...question };
  return await inquiry.ask(whole, AbortSignal.timeout(5_000));
}

test("quotes in yuan and shares, in the order asked for", async () => {
  const rows = await ask("quotes", { codes: [BANK, WATER] });
  assert.deepEqual(
    rows.map(({ code, price, previousClose, volume, turnover, bid1, bidVolume1, ask5, askVolume5 }) => [
      [code, price, previousClose, volume, turnover],
      [bid1, bidVolume1, ask5, askVolume5],
    ]),
    [
      [
        [BANK, "12.02", "11.9", "137727100", "1654559872"],
        ["12.02", "350300", "12.07", "102900"],
      ],
      [
        [WATER, "3.2", "3.14", "84089400", "268613568"],
        ["3.19", "2233000", "3.24", rows[1]?.["askVolume5"]],
      ],
    ],
  );
});

test("the minute line of a past day and of today", async () => {
  const past = await ask("minute-line", { codes: [BANK], day: parseDay("2026-03-05") });
  const today = await ask("minute-line", { codes: [BANK] });
  assert.deepEqual([past.length, today.length], [240, 240]);
  assert.deepEqual(past[0], { code: BANK, time: "2026-03-05 09:31:00", price: "10.82", volume: "1655700" });
  assert.deepEqual(today.at(-1), { code: BANK, time: "2026-03-06 15:00:00", price: "10.82", volume: "676800" });
});

test("volumes of indices and bonds are in the unit that the turnover tells, and left out where there is none", async () => {
  const [index, bond] = [parseSecurityCode("000001.SH"), parseSecurityCode("113050.SH")];
  const [point] = await ask("minute-line", { codes: [index], day: parseDay("2026-03-05") });
  assert.deepEqual(point, { code: index, time: "2026-03-05 09:31:00", price: "10.82" });
  const week = { codes: [BANK, index, bond], from: TODAY, to: TODAY };
  const rows = await ask("weekly-bars", week);
  assert.deepEqual(
    rows.map(({ code, volume }) => [code, volume]),
    [
      [BANK, "100"],
      [index, "10000"],
      [bond, "1000"],
    ],
  );
});

test("corporate actions by name, numbers of shares in shares", async () => {
  const rows = await ask("corporate-actions", { codes: [BANK] });
  assert.equal(rows.length, 10);
  assert.deepEqual(rows[0], {
    code: BANK,
    day: "1990-03-01",
    category: "1",
    cashPerTenShares: "0",
    rightsPrice: "3.56",
    newSharesPerTen: "0",
    rightsPerTen: "1",
  });
  assert.deepEqual(rows[1], {
    code: BANK,
    day: "1991-04-03",
    category: "5",
    floatSharesBefore: "0",
    sharesBefore: "0",
    floatSharesAfter: "26500000",
    sharesAfter: "48500171",
  });
});

test("lists and counts of both markets that have them", async () => {
  assert.deepEqual(await ask("security-count", {}), [
    { exchange: "SH", count: "13235" },
    { exchange: "SZ", count: "6631" },
  ]);
  assert.deepEqual(await ask("security-list", {}), [
    { code: "395001.SZ", name: "主板Ａ股", lotSize: "100", decimals: "2", previousClose: "1491" },
    { code: "395002.SZ", name: "主板Ｂ股", lotSize: "100", decimals: "2", previousClose: "38" },
  ]);
});

test("a question about codes without one is refused", async () => {
  await assert.rejects(ask("quotes", {}), DataError);
});
