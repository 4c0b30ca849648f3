import { describeError, TransientError } from "../../base/errors.ts";
import type { Check, Finding } from "./doctor-api.ts";

export interface CheckPlan {
  readonly name: string;
  /** Looked at only when the check of this name, which stands before, did not fail or get skipped. */
  readonly after?: string;
  /** What to do when `look` throws; what it says itself comes first. */
  readonly todo: string;
  /** How long it may take, where that is more than a server of ours needs. */
  readonly msMax?: number;
  /** What it throws is a failure. */
  look(signal: AbortSignal): Promise<Finding>;
}

/** A server that answers takes a fraction of it. */
export const CHECK_MS_MAX = 5_000;

const NOT_LOOKED_AT = "not looked at";

export function ok(seen: string): Finding {
  return { verdict: "ok", seen, todo: "" };
}

export function warn(seen: string, todo: string): Finding {
  return { verdict: "warn", seen, todo };
}

export function fail(seen: string, todo: string): Finding {
  return { verdict: "fail", seen, todo };
}

export function skipped(seen: string, todo = ""): Finding {
  return { verdict: "skipped", seen, todo };
}

/** Runs all checks side by side, each for a bounded time, and yields them in their order. A failure stops none of the others. */
export async function* runChecks(
  plans: readonly CheckPlan[],
  signal: AbortSignal,
  msMax = CHECK_MS_MAX,
): AsyncGenerator<Check> {
  const running = new Map<string, Promise<Finding>>();
  for (const plan of plans) {
    running.set(plan.name, lookAfter(plan, running.get(plan.after ?? ""), signal, plan.msMax ?? msMax));
  }
  for (const [name, finding] of running) {
    const found = await finding;
    signal.throwIfAborted();
    yield { name, isDependent: found.verdict === "skipped" && found.seen.startsWith(NOT_LOOKED_AT), ...found };
  }
}

async function lookAfter(
  plan: CheckPlan,
  before: Promise<Finding> | undefined,
  signal: AbortSignal,
  msMax: number,
): Promise<Finding> {
  const first = await before;
  if (first?.verdict === "fail" || first?.verdict === "skipped") {
    return skipped(`${NOT_LOOKED_AT}: see ${plan.after ?? ""}`);
  }
  const late = AbortSignal.timeout(msMax);
  try {
    const looking = plan.look(AbortSignal.any([signal, late]));
    looking.catch(() => undefined);
    return await Promise.race([looking, untilAborted(late, msMax), untilStopped(signal)]);
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    const seen = isLate ? `no answer within ${msMax / 1_000} s` : describeError(error);
    return { ...fail(seen, plan.todo), error: isLate ? new TransientError(seen) : error };
  }
}

/** Not everything that waits listens to its signal. */
function untilAborted(late: AbortSignal, msMax: number): Promise<Finding> {
  return new Promise((_resolve, reject) => {
    late.addEventListener("abort", () => reject(new DOMException(`${msMax} ms`, "TimeoutError")), { once: true });
  });
}

function untilStopped(signal: AbortSignal): Promise<Finding> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error("stopped"));
    if (signal.aborted) {
      stop();
    } else {
      signal.addEventListener("abort", stop, { once: true });
    }
  });
}
