import type { Output } from "./cli.ts";
import { type HealthOptions, sayHealth } from "./say-health.ts";

/** What decides whether the short way may be taken, and takes it. */
export interface QuickWorld {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  isFileThere(path: string): boolean;
}

/** The defaults of `health.host` and `health.port`; a test holds them against the declaration. */
export const QUICK_DEFAULTS = { host: "127.0.0.1", port: 8080 } as const;

const FLAGS = new Set(["--live", "--ready", "--json"]);
/** No port that is taken for an option, and no host with anything that has to be read with care. */
const PORT = /^[1-9]\d{0,4}$/;
const HOST = /^[\w.:-]+$/;

/**
 * `gdw health` without loading the program: it runs every 30 seconds in a container, on a quarter of a core. Undefined
 * when the command line, or where the settings are, asks for more than this knows; then the long way says the same.
 */
export async function quickHealth(argv: readonly string[], world: QuickWorld): Promise<number | undefined> {
  const [command, ...flags] = argv;
  const { env } = world;
  if (command !== "health" || !flags.every((flag) => FLAGS.has(flag))) {
    return undefined;
  }
  const host = env["GINKGO_HEALTH_HOST"] ?? QUICK_DEFAULTS.host;
  const port = env["GINKGO_HEALTH_PORT"] ?? String(QUICK_DEFAULTS.port);
  const hasFile = env["GINKGO_DATA_WORKER_CONFIG"] !== undefined || world.isFileThere("data_worker.yml");
  if (hasFile || !HOST.test(host) || !PORT.test(port) || Number.parseInt(port, 10) > 65_535) {
    return undefined;
  }
  const options: HealthOptions = {
    live: flags.includes("--live"),
    ready: flags.includes("--ready"),
    json: flags.includes("--json"),
  };
  return await sayHealth({ host, port: Number.parseInt(port, 10) }, options, world);
}
