import { AsyncLocalStorage } from "node:async_hooks";

import {
  ROOT_CONTEXT,
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";

import { BoundedMap } from "../../base/bounded-map.ts";
import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import { readTraceContext } from "../../domain/trace-context.ts";
import type { Mark, Message, TopicPartition } from "../../ports/queue.ts";
import type { OutcomeRecord } from "../../ports/store.ts";

/** A message from its poll on; its span begins with its handler, which alone reads what it carries. */
export interface TracedMessage {
  readonly takenAtMs: number;
  readonly takenElapsedMs: number;
  span: Span | undefined;
  context: Context;
  /** Ends the span of its planning; undefined once it has ended. */
  endPlan: (() => void) | undefined;
  children: number;
}

/** A call that several messages may wait for. */
export interface TracedCall {
  readonly provider: string;
  readonly api: string;
  readonly callId: string;
  readonly selection: string;
  readonly waitedMs: number;
  readonly ms: number;
  readonly received: number;
  readonly error: unknown;
}

export interface TracesOptions {
  readonly tracer: Tracer;
  readonly clock: Clock;
  /** The queue, by OpenTelemetry's word for it. */
  readonly system: string;
  readonly redact: (text: string) => string;
}

/** A message with thousands of codes gets no more spans than this below its own. */
const CHILDREN_MAX = 64;
const LINKS_MAX = 64;
const CALLS_MAX = 10_000;

/**
 * Spans of messages, each from its poll to its commit, and of the calls that they share. A call's span stands by itself,
 * since it is no single message's; the messages that it served link to it.
 */
export class MessageTraces {
  readonly #tracer: Tracer;
  readonly #redact: (text: string) => string;
  readonly #clock: Clock;
  readonly #system: string;
  readonly #open = new Map<string, Map<bigint, TracedMessage>>();
  readonly #calls = new BoundedMap<string, ReturnType<Span["spanContext"]>>(CALLS_MAX);
  readonly #current = new AsyncLocalStorage<TracedMessage>();

  constructor({ tracer, clock, system, redact }: TracesOptions) {
    this.#tracer = tracer;
    this.#redact = redact;
    this.#clock = clock;
    this.#system = system;
  }

  /** The message whose work this is; undefined outside of any. */
  get current(): TracedMessage | undefined {
    return this.#current.getStore();
  }

  within<T>(message: TracedMessage | undefined, act: () => T): T {
    return message === undefined ? act() : this.#current.run(message, act);
  }

  taken({ topic, partition, offset }: Pick<Message, "topic" | "partition" | "offset">): void {
    const key = keyOf({ topic, partition });
    const messages = this.#open.get(key) ?? new Map<bigint, TracedMessage>();
    this.#open.set(key, messages);
    if (!messages.has(offset)) {
      messages.set(offset, {
        takenAtMs: this.#clock.nowMs(),
        takenElapsedMs: this.#clock.elapsedMs(),
        span: undefined,
        context: ROOT_CONTEXT,
        endPlan: undefined,
        children: 0,
      });
    }
  }

  /** Its turn in its lane has come. */
  started(message: Message): TracedMessage | undefined {
    const { topic, partition, offset } = message;
    const open = this.#open.get(keyOf(message))?.get(offset);
    if (open === undefined || open.span !== undefined) {
      return open;
    }
    const from = readTraceContext(message);
    const parent =
      from === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: from.traceId,
            spanId: from.spanId,
            traceFlags: from.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
            isRemote: true,
          });
    const attributes = {
      "messaging.system": this.#system,
      "messaging.operation.type": "process",
      "messaging.destination.name": topic,
      "messaging.destination.partition.id": `${partition}`,
      "messaging.kafka.offset": offset.toString(),
    };
    const options = { kind: SpanKind.CONSUMER, startTime: open.takenAtMs, attributes };
    open.span = this.#tracer.startSpan(`process ${topic}`, options, parent);
    open.context = trace.setSpan(parent, open.span);
    this.child(open, "wait for its lane", open.takenAtMs)?.();
    return open;
  }

  /** Begins a span below the message's; the answer ends it. Undefined where none is to be made. */
  child(
    open: TracedMessage | undefined,
    name: string,
    startTime = open === undefined ? 0 : this.#timeOf(open),
  ): ((error?: unknown, endTime?: number) => void) | undefined {
    if (open?.span?.isRecording() !== true || open.children >= CHILDREN_MAX) {
      return undefined;
    }
    open.children += 1;
    const span = this.#tracer.startSpan(name, { startTime }, open.context);
    return (error, endTime = this.#timeOf(open)) => {
      if (error !== undefined) {
        this.#fail(span, error);
      }
      span.end(endTime);
    };
  }

  called({ provider, api, callId, selection, waitedMs, ms, received, error }: TracedCall): void {
    const endTime = this.#clock.nowMs();
    const attributes = {
      "ginkgo.provider": provider,
      "ginkgo.api": api,
      "ginkgo.call_id": callId,
      "ginkgo.selection": selection,
      "ginkgo.budget_wait_ms": Math.round(waitedMs),
      "ginkgo.rows": received,
    };
    const options = { kind: SpanKind.CLIENT, startTime: endTime - ms, attributes, root: true };
    const span = this.#tracer.startSpan(`call ${provider} ${api}`, options, ROOT_CONTEXT);
    if (error !== undefined) {
      this.#fail(span, error);
    }
    span.end(endTime);
    this.#calls.set(callId, span.spanContext());
  }

  /** What became of the messages is being recorded; the answer says that it is durable. */
  recording(records: readonly OutcomeRecord[]): (error?: unknown) => void {
    const ends = records.flatMap((record) => {
      const open = this.#open.get(keyOf(record.message))?.get(record.message.offset);
      this.#describe(open, record);
      return this.child(open, "record") ?? [];
    });
    return (error) => {
      for (const end of ends) {
        end(error);
      }
    };
  }

  /** The group has these marks; the commit began at the given moment of the clock's elapsed time. */
  committed(marks: readonly Mark[], startedElapsedMs: number): void {
    for (const mark of marks) {
      const messages = this.#open.get(keyOf(mark)) ?? new Map<bigint, TracedMessage>();
      for (const [offset, open] of messages) {
        if (offset < mark.offset) {
          messages.delete(offset);
          const endTime = this.#timeOf(open);
          const startTime = open.takenAtMs + startedElapsedMs - open.takenElapsedMs;
          this.child(open, "commit", startTime)?.(undefined, endTime);
          open.span?.end(endTime);
        }
      }
    }
  }

  /** Only these partitions are held from now on; whoever has the others ends their messages. */
  kept(partitions: readonly TopicPartition[]): void {
    const kept = new Set(partitions.map(keyOf));
    for (const [key, messages] of this.#open) {
      if (!kept.has(key)) {
        this.#open.delete(key);
        for (const open of messages.values()) {
          open.span?.setAttribute("ginkgo.is_committed", false);
          open.span?.end(this.#timeOf(open));
        }
      }
    }
  }

  #describe(open: TracedMessage | undefined, { command, requestId, outcome, reason }: OutcomeRecord): void {
    const { span } = open ?? {};
    if (span?.isRecording() !== true) {
      return;
    }
    span.setAttributes({
      "ginkgo.command": command,
      "ginkgo.request_id": requestId,
      "ginkgo.outcome": outcome.word,
      "ginkgo.rows.new": outcome.rows.new,
      "ginkgo.rows.revised": outcome.rows.revised,
      "ginkgo.calls": outcome.callIds.length,
    });
    if (reason !== undefined) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    }
    for (const callId of outcome.callIds.slice(0, LINKS_MAX)) {
      const context = this.#calls.get(callId);
      if (context !== undefined) {
        span.addLink({ context, attributes: { "ginkgo.call_id": callId } });
      }
    }
  }

  /** An error may quote what another program answered, with a secret of ours in it. */
  #fail(span: Span, error: unknown): void {
    span.setStatus({ code: SpanStatusCode.ERROR, message: this.#redact(describeError(error)) });
  }

  /** Wall-clock time of a message, monotonic from its poll on: its spans never overlap by a step of the clock. */
  #timeOf({ takenAtMs, takenElapsedMs }: TracedMessage): number {
    return takenAtMs + this.#clock.elapsedMs() - takenElapsedMs;
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`;
}
