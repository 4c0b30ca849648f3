/**
 * What `promise` brings, or the signal's reason as soon as it aborts. The promise goes on for the others who wait for
 * it, and a failure after the abort is nobody's here.
 */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason);
    };
    const forget = (): void => {
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort, { once: true });
    promise.finally(forget).then(resolve, reject);
    if (signal.aborted) {
      abort();
    }
  });
}
