import { DataError, PermanentError } from "../base/errors.ts";
import { MessageError } from "../domain/message-error.ts";

/** The provider refuses us, as a whole or for one thing. */
export function isRefusal(error: unknown): error is PermanentError {
  return error instanceof PermanentError && (error.scope === "provider" || error.scope === "api");
}

/** The provider answered that this request is wrong; a MessageError is about a message, and says nothing of the call. */
export function isCalledWrong(error: unknown): error is DataError {
  return error instanceof DataError && !(error instanceof MessageError);
}
