import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import { readTraceContext } from "./trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

function read(header: string | undefined, value?: unknown): ReturnType<typeof readTraceContext> {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? {});
  return readTraceContext({
    headers: header === undefined ? [] : [["traceparent", Buffer.from(header)]],
    value: Buffer.from(text),
  });
}

test("the header traceparent is continued, with its decision", () => {
  assert.deepEqual(read(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, isSampled: true });
  assert.deepEqual(read(`00-${TRACE}-${SPAN}-00`), { traceId: TRACE, spanId: SPAN, isSampled: false });
  assert.deepEqual(read(`42-${TRACE}-${SPAN}-03-what-comes-later`)?.isSampled, true);
});

test("without a header the ids of the envelope are taken, also a trace id written as a UUID", () => {
  const uuid = "0AF76519-16cd-43dd-8448-eb211c80319c";
  const expected = { traceId: TRACE, spanId: SPAN, isSampled: true };
  assert.deepEqual(read(undefined, { command: "x", trace_id: TRACE, span_id: SPAN }), expected);
  assert.deepEqual(read(undefined, { trace_id: uuid, span_id: SPAN }), expected);
  const other = "1".repeat(32);
  assert.equal(read(`00-${other}-${SPAN}-01`, { trace_id: TRACE, span_id: SPAN })?.traceId, other);
});

test("what is not valid is no trace, and never an error", () => {
  const zeros = "0".repeat(32);
  for (const header of [
    "",
    "garbage",
    `00-${zeros}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-0102`,
  ]) {
    assert.equal(read(header), undefined, header);
  }
  for (const value of [
    { trace_id: TRACE },
    { trace_id: TRACE, span_id: 7 },
    { trace_id: zeros, span_id: SPAN },
    { trace_id: "x".repeat(32), span_id: SPAN },
    "{trace_id",
    '["trace_id"]',
    "null trace_id",
    { trace_id: TRACE, span_id: SPAN, more: "x".repeat(70_000) },
  ]) {
    assert.equal(read(undefined, value), undefined);
  }
  assert.equal(readTraceContext({ headers: [["traceparent", undefined]], value: undefined }), undefined);
});

test("any bytes at all are read without an error", () => {
  const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(bytes, bytes, (header, value) => {
      const context = readTraceContext({ headers: [["traceparent", header]], value });
      assert.equal(context, undefined);
    }),
  );
});
