import { nameApi } from "../../domain/name-api.ts";
import type { AskWorkers } from "../status/ask-workers.ts";
import { outagesOf } from "../status/watch-work.ts";
import { type CheckPlan, ok, skipped, warn } from "./run-checks.ts";

/** Whether a provider is out is known to the workers that ask it. It is never a failure: its work waits or goes to the next of the chain. */
export function outageCheck(ask: AskWorkers | undefined, after?: string): CheckPlan {
  return {
    name: "provider outages",
    ...(after === undefined ? {} : { after }),
    todo: "see that the workers can be asked: by their heartbeats in Redis, or the one that holds embedded.folder",
    look: async (signal) => {
      if (ask === undefined) {
        return skipped("without redis.host nobody can be asked");
      }
      const said = (await ask(signal)).filter(({ outages }) => outages !== undefined);
      if (said.length === 0) {
        return skipped("no worker is at work that would know");
      }
      const out = outagesOf(said).map(({ provider, api, since }) => `${nameApi(provider, api)} is out since ${since}`);
      return out.length === 0
        ? ok(`none for ${said.length === 1 ? "the worker that is" : `the ${said.length} workers that are`} at work`)
        : warn(
            out.join(", "),
            "its work waits or goes to the next of providers.chain, and nothing is lost; gdw status says why, and when it is tried again",
          );
    },
  };
}
