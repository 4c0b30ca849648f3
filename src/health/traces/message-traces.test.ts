import assert from "node:assert/strict";
import test from "node:test";

import { trace, type Span, type SpanStatus, type Tracer } from "@opentelemetry/api";

import { TransientError } from "../../base/errors.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { Message } from "../../ports/queue.ts";
import { MessageTraces } from "./message-traces.ts";

/** Spans that record nothing but what became of them. */
function tracerInto(statuses: SpanStatus[]): Tracer {
  const startSpan = (): Span => {
    const span = trace.wrapSpanContext({ traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 });
    return Object.assign(Object.create(span), {
      isRecording: () => true,
      end: () => undefined,
      setStatus: (status: SpanStatus) => void statuses.push(status),
      spanContext: () => span.spanContext(),
    });
  };
  return { startSpan, startActiveSpan: () => assert.fail("no span is made active") };
}

test("the status of a span tells an error without our secrets", () => {
  const statuses: SpanStatus[] = [];
  const redact = (text: string): string => text.replaceAll("hunter2", "[secret]");
  const traces = new MessageTraces({ tracer: tracerInto(statuses), clock: new ManualClock(), system: "kafka", redact });
  const error = new TransientError("calling daily: no account with token hunter2");
  const of = { provider: "tushare", api: "daily", callId: "c", selection: "x", waitedMs: 0, ms: 1, received: 0 };
  traces.called({ ...of, error });
  const message: Message = {
    topic: "t",
    partition: 0,
    offset: 0n,
    key: undefined,
    value: undefined,
    headers: [],
    timestampMs: 0,
  };
  traces.taken(message);
  traces.child(traces.started(message), "store")?.(error);
  const said = statuses.map(({ message: text }) => text);
  assert.deepEqual(
    said,
    Array.from({ length: 2 }, () => "calling daily: no account with token [secret]"),
  );
});
