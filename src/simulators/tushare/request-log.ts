import { NewestRequests, type Open } from "../newest-requests.ts";

/** One call as the server saw it. The token is never part of it. */
export interface SimulatedRequest {
  /** Epoch milliseconds of its arrival, by the simulator's clock. */
  readonly atMs: number;
  /** As the body named it; `""` when the body named none. */
  readonly api: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Rows in the answer; 0 until it was written. */
  readonly rows: number;
  /** Tushare's code; undefined when no answer of Tushare's form was written (yet). */
  readonly code: number | undefined;
  /** From arrival to the answer's last byte; undefined until then. */
  readonly latencyMs: number | undefined;
  /** The kind of fault it met. */
  readonly fault: string | undefined;
  readonly isRateLimited: boolean;
}

/** Filled in by the server while it answers. */
export type OpenRequest = Open<SimulatedRequest>;

/** The newest calls, at most `requestsMax` of them. */
export class RequestLog extends NewestRequests<SimulatedRequest> {
  open(atMs: number, api: string, params: Readonly<Record<string, unknown>>): OpenRequest {
    return this.add({
      atMs,
      api,
      params: Object.fromEntries(Object.entries(params).filter(([name]) => name !== "token")),
      rows: 0,
      code: undefined,
      latencyMs: undefined,
      fault: undefined,
      isRateLimited: false,
    });
  }

  /**
   * The most calls of one API that arrived in any window of `windowMs` (its end not included), refused ones too; of the
   * API given, or of the one that has the most.
   */
  maxCallsInAnyWindow(windowMs: number, api?: string): number {
    const groups = Map.groupBy(this.requests, (request) => request.api);
    let most = 0;
    for (const [name, requests] of groups) {
      if (api === undefined || api === name) {
        most = Math.max(
          most,
          mostInWindow(
            requests.map(({ atMs }) => atMs).toSorted((left, right) => left - right),
            windowMs,
          ),
        );
      }
    }
    return most;
  }
}

function mostInWindow(timesMs: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  timesMs.forEach((atMs, index) => {
    while ((timesMs[first] ?? atMs) <= atMs - windowMs) {
      first += 1;
    }
    most = Math.max(most, index - first + 1);
  });
  return most;
}
