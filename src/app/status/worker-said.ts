import { z } from "zod";

import type { BreakerSeen } from "../../worker/provider-gate.ts";
import type { WorkerFile } from "../worker-file.ts";
import type { CallsSeen } from "./calls-seen.ts";
import { type Held, readHeld } from "./held.ts";

/** What a worker says of itself, in its heartbeat or as its `GET /status`. What it does not say is undefined. */
export interface WorkerSaid {
  /** A state of its lifecycle in small letters, such as `running`. */
  readonly state: string | undefined;
  /** Providers that are out for it. */
  readonly outages: readonly BreakerSeen[] | undefined;
  readonly calls: readonly CallsSeen[] | undefined;
  readonly held: Held | undefined;
}

const breaker = z.object({
  provider: z.string(),
  api: z.string(),
  state: z.enum(["closed", "open", "half-open"]),
  since: z.string().optional(),
  nextProbe: z.string().optional(),
  why: z.string().optional(),
});
const list = z.array(breaker);
const callsList = z.array(
  z.object({ provider: z.string(), api: z.string(), underWay: z.int().nonnegative(), waiting: z.int().nonnegative() }),
);
const ASK_MS_MAX = 2_000;

export function readBeat(fields: Readonly<Record<string, unknown>>): WorkerSaid {
  return {
    state: readText(fields["status"]),
    outages: parseOutages(fields["outages"]),
    calls: callsList.safeParse(fields["calls"]).data,
    held: readHeld(fields),
  };
}

/** What the worker that holds the embedded folder says; undefined when it does not answer. */
export async function askWorker({ url }: Pick<WorkerFile, "url">): Promise<WorkerSaid | undefined> {
  try {
    const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(ASK_MS_MAX) });
    const said = z.record(z.string(), z.unknown()).parse(await response.json());
    return {
      state: readText(said["state"]),
      outages: parseOutages(said["breakers"]),
      calls: callsList.safeParse(said["calls"]).data,
      held: readHeld(said["held"]),
    };
  } catch {
    return undefined;
  }
}

function readText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function parseOutages(said: unknown): readonly BreakerSeen[] | undefined {
  const read = list.safeParse(said);
  return read.success ? read.data.flatMap((seen) => (seen.state === "closed" ? [] : [toSeen(seen)])) : undefined;
}

/** An absent field stays absent. */
function toSeen({ provider, api, state, since, nextProbe, why }: z.infer<typeof breaker>): BreakerSeen {
  return {
    provider,
    api,
    state,
    ...(since === undefined ? {} : { since }),
    ...(nextProbe === undefined ? {} : { nextProbe }),
    ...(why === undefined ? {} : { why }),
  };
}
