import { z } from "zod";

import type { RequestLog } from "./request-log.ts";

const windowMsSchema = z.coerce.number().positive().default(60_000);

/** What `GET /_sim/summary?windowMs=…` shows of the calls so far; throws on a window that is none. */
export function summarize(log: RequestLog, query: URLSearchParams): object {
  const windowMs = windowMsSchema.parse(query.get("windowMs") ?? undefined);
  const callsByApi = Object.fromEntries(
    [...Map.groupBy(log.requests, ({ api }) => api)].map(([api, requests]) => [api, requests.length]),
  );
  return {
    calls: log.requests.length,
    callsByApi,
    rateLimited: log.requests.filter(({ isRateLimited }) => isRateLimited).length,
    windowMs,
    maxCallsInAnyWindow: log.maxCallsInAnyWindow(windowMs),
  };
}
