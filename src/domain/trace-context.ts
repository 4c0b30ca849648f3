import type { Buffer } from "node:buffer";

/** Who a message's trace is continued from. */
export interface TraceContext {
  /** 32 and 16 hexadecimal digits in lower case, neither all zeros. */
  readonly traceId: string;
  readonly spanId: string;
  /** Whether the producer keeps this trace; where it does not say it is taken to. */
  readonly isSampled: boolean;
}

/** A larger message is not read only to find two ids. */
const BYTES_MAX = 65_536;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const ZEROS = /^0+$/;

/**
 * The trace of whoever sent the message: the header `traceparent` of W3C Trace Context, else the fields `trace_id` and
 * `span_id` of the envelope. Undefined where there is none, or none that is valid: what only says who asked never fails.
 */
export function readTraceContext(message: {
  readonly headers: readonly (readonly [name: string, value: Buffer | undefined])[];
  readonly value: Buffer | undefined;
}): TraceContext | undefined {
  const header = message.headers.findLast(([name]) => name.toLowerCase() === "traceparent")?.[1];
  const [, traceId, spanId, flags = "00"] = TRACEPARENT.exec(header?.toString("latin1").trim() ?? "") ?? [];
  if (traceId !== undefined && spanId !== undefined) {
    return toContext(traceId, spanId, (Number.parseInt(flags, 16) & 1) === 1);
  }
  const { trace_id: trace, span_id: span } = readEnvelope(message.value);
  return typeof trace === "string" && typeof span === "string"
    ? toContext(trace.replaceAll("-", "").toLowerCase(), span.toLowerCase(), true)
    : undefined;
}

function toContext(traceId: string, spanId: string, isSampled: boolean): TraceContext | undefined {
  const isValid =
    /^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId) && !ZEROS.test(traceId) && !ZEROS.test(spanId);
  return isValid ? { traceId, spanId, isSampled } : undefined;
}

function readEnvelope(value: Buffer | undefined): { readonly trace_id?: unknown; readonly span_id?: unknown } {
  if (value === undefined || value.length > BYTES_MAX || !value.includes("trace_id")) {
    return {};
  }
  try {
    const json: unknown = JSON.parse(value.toString("utf8"));
    return typeof json === "object" && json !== null ? json : {};
  } catch {
    return {};
  }
}
