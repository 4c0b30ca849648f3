/** Calls `then` once, when the signal aborts, at once if it has; not after it was disposed of. */
export function onAbort(signal: AbortSignal, then: () => void): Disposable {
  if (signal.aborted) {
    then();
  } else {
    signal.addEventListener("abort", then, { once: true });
  }
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", then) };
}
