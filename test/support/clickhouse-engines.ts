import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite } from "node:test";

import { openClickHouse, type ClickHouse } from "../../src/store/clickhouse/client.ts";

/** Opens the engine with a database of this name; closed when the suite ends. */
export type OpenDatabase = (database: string) => Promise<ClickHouse>;

/** Defines the same tests over the engine in this process, in a temporary folder. One folder a process: one call a file. */
export function suiteEmbedded(name: string, define: (open: OpenDatabase) => void): void {
  suite(`${name}, embedded`, () => {
    let path = "";
    const opened: ClickHouse[] = [];
    before(async () => {
      path = await mkdtemp(join(tmpdir(), "gdw-engine-"));
    });
    after(async () => {
      for (const clickhouse of opened) {
        await clickhouse[Symbol.asyncDispose]();
      }
      await rm(path, { recursive: true, force: true });
    });
    define(async (database) => {
      const clickhouse = await openClickHouse({ kind: "embedded", path, database });
      opened.push(clickhouse);
      return clickhouse;
    });
  });
}
