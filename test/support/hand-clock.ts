import { type Clock, systemClock } from "../../src/base/clock.ts";

/** Wakes sleepers when it is moved. */
export class HandClock implements Clock {
  elapsed = 0;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  now = (): ReturnType<Clock["now"]> => systemClock.now();
  nowMs = (): number => systemClock.nowMs();
  elapsedMs = (): number => this.elapsed;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) {
      return Promise.reject(signal.reason);
    }
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#sleepers.push({ atMs: this.elapsed + ms, wake: resolve });
    });
  }

  async move(ms: number): Promise<void> {
    this.elapsed += ms;
    const due = this.#sleepers.filter(({ atMs }) => atMs <= this.elapsed);
    this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.elapsed);
    for (const { wake } of due) {
      wake();
    }
    await new Promise(setImmediate);
  }
}
