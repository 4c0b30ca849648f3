import { monitorEventLoopDelay } from "node:perf_hooks";

import type { OpenProcessMetrics } from "./table.ts";

const NANOSECONDS = 1e9;
const RESOLUTION_MS = 10;

/** Reads the process at each scrape. Nothing of it outlives its owner, so workers may come and go in one process. */
export class ProcessSampler implements Disposable {
  readonly #metrics: OpenProcessMetrics;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor(metrics: OpenProcessMetrics) {
    this.#metrics = metrics;
    this.#delay.enable();
    metrics.started.set(Date.now() / 1_000 - process.uptime());
  }

  sample(): void {
    const { memory, heap, cpu, loopLagMean, loopLagP99, loopLagMax } = this.#metrics;
    const { rss, heapUsed } = process.memoryUsage();
    memory.set(rss);
    heap.set(heapUsed);
    const { user, system } = process.cpuUsage();
    cpu.reset();
    cpu.inc((user + system) / 1e6);
    const { mean, max } = this.#delay;
    loopLagMean.set(toSeconds(mean));
    loopLagP99.set(toSeconds(this.#delay.percentile(99)));
    loopLagMax.set(toSeconds(max));
    this.#delay.reset();
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }
}

/** What the loop took longer than the timer asked for; there is none before the first tick. */
function toSeconds(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1_000) : 0;
}
