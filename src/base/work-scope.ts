/** The signal of all work of a process: it aborts from outside, and when what the process lives for has failed. */
export interface WorkScope {
  readonly signal: AbortSignal;
  /** Does what the process lives for. When it throws, everything else that still waits under the signal ends with it. */
  run<T>(act: () => Promise<T>): Promise<T>;
  /** Something needs a person: what runs is dropped, and `run` throws this. */
  fail(error: unknown): void;
}

/**
 * Without it a failure that is no signal of the process leaves behind what waits for something that never comes, such as
 * rows for a store that is away, and the process waits for those before it can exit.
 */
export function openWorkScope(outer: AbortSignal): WorkScope {
  const failed = new AbortController();
  return {
    signal: AbortSignal.any([outer, failed.signal]),
    async run(act) {
      try {
        const done = await act();
        // Work that was dropped may end in order all the same.
        failed.signal.throwIfAborted();
        return done;
      } catch (error) {
        failed.signal.throwIfAborted();
        failed.abort(error);
        throw error;
      }
    },
    fail: (error) => failed.abort(error),
  };
}
