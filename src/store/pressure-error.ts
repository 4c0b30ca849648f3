import { TransientError, type ErrorDetails } from "../base/errors.ts";
import type { PressureKind } from "../ports/store.ts";

/**
 * The store is there and says that we ask too much of it; what `pressure` says decides what helps. The same work is done
 * later, in pieces of another size; nothing of it is lost and nothing about its rows is wrong.
 */
export class StorePressureError extends TransientError {
  override readonly name = "StorePressureError";
  readonly pressure: PressureKind;

  constructor(message: string, pressure: PressureKind, details: ErrorDetails = {}) {
    super(message, details);
    this.pressure = pressure;
  }
}
