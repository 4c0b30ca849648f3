import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { ASKED_AT_HEADER, type DeadLetter } from "../domain/dead-letter.ts";
import type { Message, MessageHeaders } from "../ports/queue.ts";
import {
  cutUtf8,
  DETAIL_BYTES_MAX,
  HEADER_BYTES_MAX,
  headerOf,
  REDRIVEN_HEADER,
  sizeOf,
  toDeadLetterHeaders,
} from "./dead-letter-headers.ts";

const AT = "2026-01-02T03:04:05Z";
const LETTER: DeadLetter = { reason: "not-json", path: "$", detail: "no JSON", attempts: 3 };

function messageWith(headers: MessageHeaders): Message {
  const place = { topic: "ginkgo.data.update", partition: 7, offset: 42n };
  return { ...place, key: undefined, value: undefined, headers, timestampMs: 0 };
}

test("a text is cut at the boundary of a character", () => {
  assert.equal(cutUtf8("平安银行", 12), "平安银行");
  assert.equal(cutUtf8("平安银行", 11), "平安银");
  assert.equal(cutUtf8("a😀b", 4), "a");
  assert.equal(cutUtf8("a😀b", 5), "a😀");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, bytesMax) => {
      const whole = Buffer.from(text).toString();
      const cut = cutUtf8(whole, bytesMax);
      return Buffer.byteLength(cut) <= bytesMax && whole.startsWith(cut);
    }),
  );
});

test("a detail keeps 200 bytes at most, and a stack goes with defects only", () => {
  const detail = "行".repeat(100);
  const { headers } = toDeadLetterHeaders(messageWith([]), { ...LETTER, detail, stack: "at x" }, new Map(), AT);
  assert.equal(headerOf(headers, "x-ginkgo-detail")?.length, 198);
  assert.ok(198 <= DETAIL_BYTES_MAX);
  assert.equal(
    headers.some(([name]) => name === "x-ginkgo-stack"),
    false,
  );
  const defect = toDeadLetterHeaders(messageWith([]), { ...LETTER, reason: "defect", stack: "at x" }, new Map(), AT);
  assert.equal(headerOf(defect.headers, "x-ginkgo-stack")?.toString(), "at x");
});

test("headers of ours that a redriven message brings are replaced", () => {
  const before = messageWith([
    ["x-ginkgo-reason", Buffer.from("defect")],
    ["x-ginkgo-stack", Buffer.from("old")],
    ["trace", Buffer.from("t")],
  ]);
  const { headers } = toDeadLetterHeaders(before, LETTER, new Map(), AT);
  assert.equal(headerOf(headers, "x-ginkgo-reason")?.toString(), "not-json");
  assert.equal(
    headers.some(([name]) => name === "x-ginkgo-stack"),
    false,
  );
  assert.equal(headerOf(headers, "trace")?.toString(), "t");
});

test("headers of one name stay as they are, all of them in their order", () => {
  const before: MessageHeaders = [
    ["hop", Buffer.from("1")],
    ["trace", undefined],
    ["hop", Buffer.from("2")],
  ];
  const { headers } = toDeadLetterHeaders(messageWith(before), LETTER, new Map(), AT);
  assert.deepEqual(headers.slice(0, 3), before);
  assert.equal(headerOf(headers, "hop")?.toString(), "2");
});

test("a count of redrives without value is none, and a long one is cut", () => {
  const countOf = (value: Buffer | undefined): Buffer | undefined =>
    headerOf(
      toDeadLetterHeaders(messageWith([[REDRIVEN_HEADER, value]]), LETTER, new Map(), AT).headers,
      REDRIVEN_HEADER,
    );
  assert.equal(countOf(undefined), undefined);
  assert.equal(countOf(Buffer.alloc(900, "9"))?.length, 16);
});

test("a letter says when its message first came: what a redriven one says of it, else what the queue does", () => {
  const askedAt = (timestampMs: number, said?: Buffer): string | undefined => {
    const message = { ...messageWith(said === undefined ? [] : [[ASKED_AT_HEADER, said]]), timestampMs };
    return headerOf(toDeadLetterHeaders(message, LETTER, new Map(), AT).headers, ASKED_AT_HEADER)?.toString();
  };
  const march = Date.UTC(2026, 2, 2, 1, 2, 3, 4);
  assert.equal(askedAt(march), "2026-03-02T01:02:03.004Z");
  assert.equal(askedAt(march, Buffer.from("2026-02-01T08:00:00+08:00")), "2026-02-01T00:00:00Z");
  assert.equal(askedAt(march, Buffer.alloc(900, "9")), "2026-03-02T01:02:03.004Z");
  for (const none of [-1, 0, Number.MAX_SAFE_INTEGER, Number.NaN]) {
    assert.equal(askedAt(none), undefined);
  }
});

test("within 16 KB ours are kept, original headers are dropped from the last one, and it is said", () => {
  const originals = Array.from({ length: 20 }, (_, index) => [`h-${index}`, Buffer.alloc(1_000)] as const);
  const { headers, dropped } = toDeadLetterHeaders(messageWith(originals), LETTER, new Map(), AT);
  assert.ok(sizeOf(headers) <= HEADER_BYTES_MAX);
  assert.equal(headerOf(headers, "x-ginkgo-origin")?.toString(), "ginkgo.data.update/7/42");
  assert.ok(dropped.length > 0 && headers.some(([name]) => name === "h-0"));
  assert.deepEqual(
    dropped,
    originals.slice(20 - dropped.length).map(([name]) => name),
  );
  assert.match(headerOf(headers, "x-ginkgo-dropped-headers")?.toString() ?? "", new RegExp(`^${dropped.length}: h-`));
});

test("headers never take more than 16 KB, whatever the message brings", () => {
  const header = fc.tuple(fc.string({ maxLength: 300 }), fc.nat(5_000));
  fc.assert(
    fc.property(
      fc.array(header, { maxLength: 40 }),
      fc.string(),
      fc.string({ maxLength: 2_000 }),
      (shapes, path, stack) => {
        const message = messageWith(shapes.map(([name, size]) => [name, Buffer.alloc(size)]));
        const letter: DeadLetter = {
          reason: "defect",
          path: path.repeat(50),
          detail: stack,
          attempts: 1,
          stack: stack.repeat(9),
        };
        const { headers } = toDeadLetterHeaders(message, letter, new Map(), AT);
        return sizeOf(headers) <= HEADER_BYTES_MAX && headerOf(headers, "x-ginkgo-reason")?.toString() === "defect";
      },
    ),
  );
});
