import { NewestRequests, type Open } from "../newest-requests.ts";

/** One request as the server saw it. Cookies and crumbs are never part of it. */
export interface SimulatedRequest {
  /** Epoch milliseconds of its arrival, by the simulator's clock. */
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  /** Of a chart, as it was asked for; `""` of any other path. */
  readonly symbol: string;
  readonly query: Readonly<Record<string, string>>;
  readonly userAgent: string;
  /** HTTP status; undefined when no answer was written (yet). */
  readonly status: number | undefined;
  /** Rows in the answer. */
  readonly rows: number;
  /** The kind of fault it met. */
  readonly fault: string | undefined;
  readonly isRateLimited: boolean;
  /** From arrival to the answer's last byte; undefined until then. */
  readonly latencyMs: number | undefined;
}

/** Filled in by the server while it answers. */
export type OpenRequest = Open<SimulatedRequest>;

/** The newest requests, at most `requestsMax` of them. */
export class RequestLog extends NewestRequests<SimulatedRequest> {
  open(
    request: Pick<SimulatedRequest, "atMs" | "method" | "path" | "symbol" | "userAgent">,
    query: URLSearchParams,
  ): OpenRequest {
    return this.add({
      ...request,
      query: Object.fromEntries([...query].filter(([name]) => name !== "crumb")),
      status: undefined,
      rows: 0,
      fault: undefined,
      isRateLimited: false,
      latencyMs: undefined,
    });
  }
}
