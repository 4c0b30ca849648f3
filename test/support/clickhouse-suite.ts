import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, type TestContext } from "node:test";

import { openClickHouse, type ClickHouse, type ClickHouseTarget } from "../../src/store/clickhouse/client.ts";
import { requireClickHouse } from "./services.ts";
import { uniqueName } from "./unique-name.ts";

/**
 * Opens a database of the suite's own, the same one for the same word; undefined when the engine is not to be had, and
 * the test is skipped. It is not created yet. Closed and dropped when the suite ends.
 */
export type OpenDatabase = (t: TestContext, word: string) => Promise<ClickHouse | undefined>;

/**
 * Defines the same tests over the engine in this process, in a temporary folder, and over HTTP. The engine holds one
 * folder a process: one call a test file.
 */
export function suiteOnEngines(name: string, define: (open: OpenDatabase) => void): void {
  suite(`${name}, embedded`, () => {
    let path = "";
    before(async () => {
      path = await mkdtemp(join(tmpdir(), "gdw-engine-"));
    });
    define(openEach((_, database) => Promise.resolve({ kind: "embedded", path, database })));
    after(() => rm(path, { recursive: true, force: true }));
  });
  suite(`${name}, over HTTP`, () => {
    define(openEach(async (t, database) => {
      const text = await requireClickHouse(t);
      return text === undefined ? undefined : toTarget(text, database);
    }));
  });
}

/** Hooks run in the order they were defined: databases are dropped before what the suite itself takes down. */
function openEach(targetOf: (t: TestContext, database: string) => Promise<ClickHouseTarget | undefined>): OpenDatabase {
  const suffix = uniqueName("s").replaceAll("-", "_");
  const opened: ClickHouse[] = [];
  after(async () => {
    for (const clickhouse of opened) {
      await clickhouse.command(`DROP DATABASE IF EXISTS ${clickhouse.database}`, {}, AbortSignal.timeout(30_000));
      await clickhouse[Symbol.asyncDispose]();
    }
  });
  return async (t, word) => {
    const target = await targetOf(t, `gdw_${word}_${suffix}`);
    if (target === undefined) {
      return undefined;
    }
    const clickhouse = await openClickHouse(target);
    opened.push(clickhouse);
    return clickhouse;
  };
}

function toTarget(text: string, database: string): ClickHouseTarget {
  const url = new URL(text);
  const user = decodeURIComponent(url.username) || "default";
  const password = decodeURIComponent(url.password);
  url.username = "";
  url.password = "";
  return { kind: "http", url: url.toString(), user, password, database };
}
