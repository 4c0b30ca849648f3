import { type Clock, systemClock } from "../../src/base/clock.ts";

/** Time passes where a test says so, and sleepers sleep until they are told to stop: the test looks by itself. */
export class StillClock implements Clock {
  elapsed = 0;
  now = (): ReturnType<Clock["now"]> => systemClock.now();
  nowMs = (): number => systemClock.nowMs();
  elapsedMs = (): number => this.elapsed;
  sleep = (_ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((_, reject) => {
      const abort = (): void => reject(signal?.reason as Error);
      signal?.addEventListener("abort", abort, { once: true });
      if (signal?.aborted === true) {
        abort();
      }
    });
}
