import { NewestRequests, type Open } from "../newest-requests.ts";
import type { Upstream } from "./upstreams.ts";

/** One request as the server saw it. */
export interface SimulatedRequest {
  /** Epoch milliseconds of its arrival, by the simulator's clock. */
  readonly atMs: number;
  /** Undefined for a path that there is not. */
  readonly upstream: Upstream | undefined;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Undefined where the connection was closed or reset without an answer, and until it was written. */
  readonly status: number | undefined;
  readonly rows: number;
  /** The kind of fault it met. */
  readonly fault: string | undefined;
  readonly isLimited: boolean;
}

/** Filled in by the server while it answers. */
export type OpenRequest = Open<SimulatedRequest>;

/** The newest requests, at most `requestsMax` of them. */
export class RequestLog extends NewestRequests<SimulatedRequest> {
  open(atMs: number, path: string, query: URLSearchParams): OpenRequest {
    return this.add({
      atMs,
      upstream: undefined,
      path,
      query: Object.fromEntries(query),
      status: undefined,
      rows: 0,
      fault: undefined,
      isLimited: false,
    });
  }
}
