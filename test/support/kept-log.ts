import { setImmediate } from "node:timers/promises";

import { silentLog, type Log } from "../../src/base/log.ts";
import { createPinoLog } from "../../src/base/pino-log.ts";
import { isSaidKept, keepSaid } from "./planted-secrets.ts";

/** The log of a worker in this process: silent, but for the copy that is searched for secrets. */
export function keptLog(name: string, secrets: readonly string[]): Log {
  return isSaidKept()
    ? createPinoLog({ write: (line) => keepSaid(`log-${name}`, line) }, { level: "info", secrets })
    : silentLog;
}

const ROUTES = ["/livez", "/readyz", "/health", "/status", "/metrics", "/nothing-here"];

/** Keeps what a worker answers on its port. One that is not ready yet is not waited for. */
export async function keepAnswers(url: Promise<string>): Promise<void> {
  const at = isSaidKept() ? await Promise.race([url, setImmediate(undefined)]) : undefined;
  for (const route of at === undefined ? [] : ROUTES) {
    try {
      const answer = await fetch(`${at}${route}`, { signal: AbortSignal.timeout(2_000) });
      keepSaid("answers", `${route} ${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`);
    } catch {
      // It has ended by itself.
    }
  }
}
