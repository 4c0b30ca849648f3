import { z } from "zod";

import type { BreakerSeen } from "../../worker/provider-gate.ts";
import type { WorkerFile } from "../worker-file.ts";

const breaker = z.object({
  provider: z.string(),
  api: z.string(),
  state: z.enum(["closed", "open", "half-open"]),
  since: z.string().optional(),
  nextProbe: z.string().optional(),
  why: z.string().optional(),
});
const list = z.array(breaker);
const answer = z.object({ breakers: list });
const ASK_MS_MAX = 2_000;

/** Of what a heartbeat or a worker says; undefined where it says nothing of the kind. */
export function parseOutages(said: unknown): readonly BreakerSeen[] | undefined {
  const read = list.safeParse(said);
  return read.success ? read.data.flatMap((seen) => (seen.state === "closed" ? [] : [toSeen(seen)])) : undefined;
}

/** What the worker that holds the embedded folder says; undefined when it does not answer. */
export async function askOutages({ url }: Pick<WorkerFile, "url">): Promise<readonly BreakerSeen[] | undefined> {
  try {
    const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(ASK_MS_MAX) });
    const said = answer.safeParse(await response.json());
    return said.success ? parseOutages(said.data.breakers) : undefined;
  } catch {
    return undefined;
  }
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
