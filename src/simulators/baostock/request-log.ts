import { NewestRequests, type Open } from "../newest-requests.ts";

/** One request as the server saw it. Passwords and keys are never part of it. */
export interface SimulatedRequest {
  /** Epoch milliseconds of its arrival, by the simulator's clock. */
  readonly atMs: number;
  /** Connections are numbered from 1 as they came. */
  readonly connection: number;
  /** `95`; `""` when the request was not read. */
  readonly type: string;
  readonly method: string;
  /** What follows method and user; of a login nothing. */
  readonly parameters: readonly string[];
  /** The code of the answer, `0` for success; undefined when there was no answer of the protocol's form (yet). */
  readonly outcome: string | undefined;
  /** Rows in the answer. */
  readonly rows: number;
  /** The kind of fault it met. */
  readonly fault: string | undefined;
  /** From arrival to the answer's last byte; undefined until then. */
  readonly latencyMs: number | undefined;
}

/** Filled in by the server while it answers. */
export type OpenRequest = Open<SimulatedRequest>;

/** The newest requests, at most `requestsMax` of them. */
export class RequestLog extends NewestRequests<SimulatedRequest> {
  open(atMs: number, connection: number): OpenRequest {
    return this.add({
      atMs,
      connection,
      type: "",
      method: "",
      parameters: [],
      outcome: undefined,
      rows: 0,
      fault: undefined,
      latencyMs: undefined,
    });
  }
}
