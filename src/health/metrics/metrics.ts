import type { FastifyInstance } from "fastify";
import { Registry } from "prom-client";

import { ProcessSampler } from "./process-sampler.ts";
import { METRICS, type OpenMetrics, openMetrics, PROCESS_METRICS } from "./table.ts";

/** The metrics of one worker, in a registry of its own: several workers may live in one process. */
export class Metrics implements Disposable {
  readonly open: OpenMetrics;
  readonly #registry = new Registry();
  readonly #process: ProcessSampler;
  readonly #samplers: (() => void)[] = [];

  constructor() {
    this.open = openMetrics(METRICS, this.#registry);
    this.#process = new ProcessSampler(openMetrics(PROCESS_METRICS, this.#registry));
  }

  /** Called at each scrape, to set what is read and not counted; from memory, so that a scrape never waits. Must not throw. */
  sampling(sample: () => void): void {
    this.#samplers.push(sample);
  }

  /** The text that Prometheus reads. */
  async render(): Promise<string> {
    this.#process.sample();
    for (const sample of this.#samplers) {
      sample();
    }
    return await this.#registry.metrics();
  }

  /** `GET /metrics`. */
  routes(): (server: FastifyInstance) => void {
    return (server) => {
      server.get("/metrics", async (_, reply) =>
        reply
          .header("cache-control", "no-store")
          .type(this.#registry.contentType)
          .send(await this.render()),
      );
    };
  }

  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]();
  }
}
