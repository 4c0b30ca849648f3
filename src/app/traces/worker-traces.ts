import { systemClock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { readVersion } from "../../base/version.ts";
import type { Config } from "../../config.ts";
import type { CodeDataSet } from "../../domain/unit.ts";
import type { MessageTraces } from "../../health/traces/message-traces.ts";
import type { Queue, QueueListener } from "../../ports/queue.ts";
import type { Outcomes, Store } from "../../ports/store.ts";
import type { CallDesk } from "../../worker/call-desk.ts";
import type { MessageHandler, Perform } from "../../worker/message-handler.ts";
import { describeSelection, type EndedCall } from "../../worker/provider-line.ts";
import type { WorkerParts } from "../../worker/run-worker.ts";
import { readHeaders } from "./read-headers.ts";

/** Wraps the parts of a worker so that they tell what they do for which message. Only there where an endpoint is set. */
export interface WorkerTraces extends AsyncDisposable {
  readonly onCall: (ended: EndedCall) => void;
  readonly desk: <D extends CodeDataSet>(desk: Pick<CallDesk<D>, "fetch">) => Pick<CallDesk<D>, "fetch">;
  queue(queue: Queue): Queue;
  around(handle: MessageHandler): MessageHandler;
  perform(perform: Perform): Perform;
  store(store: Store): Store;
  outcomes(outcomes: Outcomes): Outcomes;
}

/** Undefined, and nothing of OpenTelemetry loaded, where no endpoint is set: then nothing is wrapped and nothing is paid. */
export async function openWorkerTraces(
  config: Config,
  redact: (text: string) => string,
  log: Log,
): Promise<WorkerTraces | undefined> {
  const { endpoint, headers, sampleRatio } = config.traces;
  if (endpoint === undefined) {
    return undefined;
  }
  const { openTracer } = await import("../../health/traces/open-tracer.ts");
  const { MessageTraces: Traces } = await import("../../health/traces/message-traces.ts");
  const version = readVersion();
  const opened = await openTracer({
    endpoint,
    headers: readHeaders(headers),
    sampleRatio,
    version,
    attributes: {
      "service.name": "ginkgo-data-worker",
      "service.version": version,
      "service.instance.id": config.node.id,
    },
    clock: systemClock,
    log,
  });
  const traces = new Traces({
    tracer: opened.tracer,
    clock: systemClock,
    system: config.mode === "servers" ? "kafka" : "ginkgo",
    redact,
  });
  return wrappers(traces, () => opened[Symbol.asyncDispose]());
}

type TracedParts = Pick<WorkerParts, "queue" | "outcomes" | "perform" | "around">;

/** The same parts where nothing is traced. */
export function withTraces(traces: WorkerTraces | undefined, parts: TracedParts): TracedParts {
  return traces === undefined
    ? parts
    : {
        queue: traces.queue(parts.queue),
        outcomes: traces.outcomes(parts.outcomes),
        perform: traces.perform(parts.perform),
        around: (handle) => traces.around(parts.around?.(handle) ?? handle),
      };
}

function wrappers(traces: MessageTraces, close: () => PromiseLike<void>): WorkerTraces {
  return {
    onCall: ({ call, ...ended }) => traces.called({ ...ended, selection: describeSelection(call) }),
    queue: (queue) => tracedQueue(queue, traces),
    around: (handle) => (message, work) => traces.within(traces.started(message), () => handle(message, work)),
    perform: (perform) => async (command, context, signal) => {
      const message = traces.current;
      const end = traces.child(message, "plan");
      if (message !== undefined) {
        message.endPlan = () => {
          message.endPlan = undefined;
          end?.();
        };
      }
      try {
        return await perform(command, context, signal);
      } finally {
        message?.endPlan?.();
      }
    },
    desk: (desk) => ({
      fetch: async (unit, keep, signal, pace) => {
        const message = traces.current;
        message?.endPlan?.();
        const end = traces.child(message, "call");
        // Parts are handed over by whoever brought them, which is no message's own work.
        const kept: typeof keep = async (part) => {
          if (part.isLast) {
            end?.();
          }
          await traces.within(message, () => keep(part));
        };
        try {
          await desk.fetch(unit, kept, signal, pace);
        } catch (error) {
          end?.(error);
          throw error;
        }
      },
    }),
    store: (store) => ({
      ...store,
      addBatch: async (models, signal, options) => {
        const end = traces.child(traces.current, "store");
        try {
          const outcomes = await store.addBatch(models, signal, options);
          end?.();
          return outcomes;
        } catch (error) {
          end?.(error);
          throw error;
        }
      },
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    }),
    outcomes: (outcomes) => ({
      settledFrom: (topic, partition, fromOffset, signal) => outcomes.settledFrom(topic, partition, fromOffset, signal),
      byRequest: (requestId, signal) => outcomes.byRequest(requestId, signal),
      record: async (records, signal) => {
        const end = traces.recording(records);
        try {
          await outcomes.record(records, signal);
          end();
        } catch (error) {
          end(error);
          throw error;
        }
      },
    }),
    [Symbol.asyncDispose]: async () => {
      traces.kept([]);
      await close();
    },
  };
}

function tracedQueue(queue: Queue, traces: MessageTraces): Queue {
  return {
    subscribe: (listener) => queue.subscribe(tracedListener(listener, traces)),
    pull: () => {
      const pulled = queue.pull();
      if (pulled !== undefined) {
        traces.taken(pulled.message);
      }
      return pulled;
    },
    commit: async (marks) => {
      const startedMs = systemClock.elapsedMs();
      await queue.commit(marks);
      traces.committed(marks, startedMs);
    },
    isFresh: () => queue.isFresh(),
    stopDelivery: () => queue.stopDelivery(),
    lag: (signal) => queue.lag(signal),
    health: () => queue.health(),
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
}

function tracedListener(listener: QueueListener, traces: MessageTraces): QueueListener {
  return {
    onReadable: () => listener.onReadable(),
    onRebalance: (assigned) => {
      listener.onRebalance(assigned);
      traces.kept(assigned);
    },
    onJoin: (join) => {
      traces.kept(join.isNewMember ? [] : join.assigned);
      return listener.onJoin(join);
    },
    onLost: () => {
      listener.onLost();
      traces.kept([]);
    },
    onFailure: (error) => listener.onFailure(error),
  };
}
