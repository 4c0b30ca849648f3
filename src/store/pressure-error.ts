import { TransientError, type ErrorDetails } from "../base/errors.ts";
import type { PressureKind } from "../ports/store.ts";

/**
 * The store is there and says that we ask too much of it; what `pressure` says decides what helps. The same work is done
 * later, in pieces of another size; nothing of it is lost and nothing about its rows is wrong.
 */
export class StorePressureError extends TransientError {
  override readonly name = "StorePressureError";
  readonly pressure: PressureKind;
  /** Rows that one statement had at most when this was said, where that is known. */
  readonly rows: number | undefined;

  constructor(message: string, pressure: PressureKind, details: ErrorDetails & { readonly rows?: number } = {}) {
    super(message, details);
    this.pressure = pressure;
    this.rows = details.rows;
  }
}

/** The same error with the size of the statements it is about; any other error as it is. */
export function withRows(error: unknown, rows: number): unknown {
  return error instanceof StorePressureError && error.rows === undefined
    ? new StorePressureError(error.message, error.pressure, { cause: error.cause, rows })
    : error;
}
