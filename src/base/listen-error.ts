import { tellingWhatToDo, TransientError } from "./errors.ts";

/**
 * Why a port could not be opened, with the setting or flag that names another; what is not about the address comes back
 * as it is.
 */
export function toListenError(
  error: unknown,
  what: string,
  names: { readonly port: string; readonly host?: string },
): unknown {
  if (!(error instanceof Error) || !("code" in error)) {
    return error;
  }
  const { port, host } = names;
  const todo: Readonly<Record<string, string | undefined>> = {
    EADDRINUSE: `another program has this port: stop it or take another with ${port}, 0 takes a free one`,
    EACCES: `this user may not open this port: take one above 1023 with ${port}`,
    EADDRNOTAVAIL: host === undefined ? undefined : `this machine does not have the address: check ${host}`,
  };
  const advice = todo[String(error.code)];
  return advice === undefined
    ? error
    : tellingWhatToDo(new TransientError(`opening ${what}: ${error.message}; ${advice}`, { cause: error }));
}
