import { serviceTable, type ServiceName } from "../../../test/support/services.ts";

/** A real broker, Redis, and the engine behind HTTP. */
export interface BenchServers extends AsyncDisposable {
  readonly kafka: string;
  readonly redis: URL;
  readonly clickhouse: string;
}

/**
 * Those that the tests' variables name (`GINKGO_TEST_KAFKA` and its kind), else servers of its own, which end with it.
 * Throws when one is not to be had.
 */
export async function openServers(): Promise<BenchServers> {
  await using opened = new AsyncDisposableStack();
  const addressOf = async (name: ServiceName): Promise<string> => {
    const { variable, title, whyNot, start } = serviceTable[name];
    const given = process.env[variable];
    if (given !== undefined && given !== "") {
      return given;
    }
    const reason = whyNot();
    if (reason !== undefined) {
      throw new Error(`no ${title}: ${reason}; run npm run services`);
    }
    return opened.use(await start()).address;
  };
  const kafka = await addressOf("kafka");
  const redis = new URL(await addressOf("redis"));
  const clickhouse = await addressOf("clickhouse");
  const open = opened.move();
  return { kafka, redis, clickhouse, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
