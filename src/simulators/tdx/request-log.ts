import { NewestRequests, type Open } from "../newest-requests.ts";
import type { CommandName } from "./commands.ts";

/** One request as the server saw it. */
export interface TdxRequest {
  /** Epoch milliseconds of its arrival, by the simulator's clock. */
  readonly atMs: number;
  /** Which connection it came over, counted from 1. */
  readonly connection: number;
  readonly sequence: number;
  readonly type: number;
  /** Undefined for a type that the simulator does not know. */
  readonly command: CommandName | undefined;
  /** What the body asked for: code, category, start, count, date. */
  readonly params: Readonly<Record<string, string | number>>;
  /** Rows in the answer; 0 until it was made. */
  readonly rows: number;
  /** Bytes written, the header too; 0 where nothing was. */
  readonly bytes: number;
  /** The kind of fault it met; `refused-before` on a connection that a refusal spoilt. */
  readonly fault: string | undefined;
}

/** Filled in by the server while it answers. */
export type OpenRequest = Open<TdxRequest>;

/** The newest requests. */
export class RequestLog extends NewestRequests<TdxRequest> {}
