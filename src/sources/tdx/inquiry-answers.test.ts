import assert from "node:assert/strict";
import { test } from "node:test";

import {
  barsBody,
  float32,
  HANDSHAKE_BODY,
  startTdxServer,
  uint16,
  uint32,
  varint,
  type TdxReply,
  type TdxRequest,
  type TdxServerUnderTest,
} from "../../../test/support/tdx-server.ts";
import { systemClock } from "../../base/clock.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Inquiry, Question } from "../../ports/source.ts";
import { openTdxSource } from "./source.ts";

const never = new AbortController().signal;
const CODE = parseSecurityCode("000001.SZ");
const NOTHING: Question = { codes: [CODE], day: undefined, from: undefined, to: undefined };
const FRIDAY = parseDay("2026-11-27");
const INDEX_BAR = { time: FRIDAY, open: 1, high: 1, low: 1, close: 1, volume: 1, amount: 1 };

/** One point of 11.00 yuan and 3 lots; of today behind a snapshot in which nothing stands. */
const POINT = Buffer.concat([varint(1_100), varint(0), varint(3)]);
const LINES: Readonly<Record<number, Buffer>> = {
  0x051d: Buffer.concat([uint16(1, 0), snapshot("000001", 0, 3), uint16(0), POINT]),
  0x0fb4: Buffer.concat([uint16(1), float32(10), POINT]),
};

function snapshot(digits: string, price: number, levels: number): Buffer {
  const head = Buffer.concat([Buffer.from([0]), Buffer.from(digits, "ascii"), uint16(0), varint(price)]);
  return Buffer.concat([head, Buffer.alloc(8), float32(0), Buffer.alloc(4 + 4 * levels)]);
}

function answer({ type }: TdxRequest): TdxReply {
  switch (type) {
    case 0x000d:
      return HANDSHAKE_BODY;
    case 0x0004:
      return Buffer.concat([Buffer.alloc(6), uint32(20_261_127)]);
    case 0x052d:
      return barsBody([INDEX_BAR], true);
    case 0x053e: {
      const rows = [snapshot("000001", 1_100, 5), snapshot("999999", 0, 5)];
      return Buffer.concat([uint16(0, rows.length), ...rows.flatMap((row) => [row, Buffer.alloc(10)])]);
    }
    default:
      return LINES[type];
  }
}

async function ask(
  name: string,
  question: Partial<Question>,
): Promise<{ readonly rows: Awaited<ReturnType<Inquiry["ask"]>>; readonly server: TdxServerUnderTest }> {
  await using server = await startTdxServer(answer);
  const servers = [{ host: "127.0.0.1", port: server.port }];
  await using source = openTdxSource({ servers, clock: systemClock, pauseMs: 0 });
  const inquiry = source.inquiries?.find((one) => one.name === name) ?? assert.fail(name);
  return { rows: await inquiry.ask({ ...NOTHING, ...question }, never), server };
}

test("a minute line without a day is the newest the server has, and says which day that is", async () => {
  const { rows, server } = await ask("minute-line", {});
  assert.deepEqual(rows, [{ code: CODE, time: "2026-11-27 09:31:00", price: "11", volume: "300" }]);
  assert.equal(server.requests.at(-1)?.type, 0x051d);
});

test("a minute line of the server's own day comes by today's request, and of any other by that of past days", async () => {
  for (const [day, type] of [
    [FRIDAY, 0x051d],
    [parseDay("2026-11-26"), 0x0fb4],
    [parseDay("2026-11-29"), 0x0fb4],
  ] as const) {
    const { rows, server } = await ask("minute-line", { day });
    assert.deepEqual([server.requests.at(-1)?.type, rows[0]?.["time"]], [type, `${day} 09:31:00`]);
  }
});

test("quotes of a code that the server does not know are no row, though it answers with zeros", async () => {
  const { rows } = await ask("quotes", { codes: [CODE, parseSecurityCode("999999.SZ")] });
  assert.deepEqual(
    rows.map(({ code, price }) => [code, price]),
    [[CODE, "11"]],
  );
});
