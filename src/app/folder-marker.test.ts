import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { loadConfig } from "../config.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { checkFolder, markFolder } from "./folder-marker.ts";

function configOf(folder: string, tushareUrl: string) {
  const flags = new Map([
    ["--embedded-folder", folder],
    ["--tushare-url", tushareUrl],
  ]);
  return loadConfig({ flags, env: {}, readFile: () => undefined }).config;
}

test("a folder of a generated market takes no real data, and one of real data no generated market", async () => {
  await using folder = await temporaryFolder();
  await markFolder(folder.path, "simulated");
  await markFolder(folder.path, "simulated");
  await assert.rejects(markFolder(folder.path, "real"), /holds a generated market, which is not to be mixed with data/);
  await checkFolder(configOf(folder.path, "http://127.0.0.1:8600"));
  await assert.rejects(checkFolder(configOf(folder.path, "https://api.tushare.pro")), /holds a generated market/);
  await assert.rejects(checkFolder(configOf(folder.path, "http://127.0.0.1.example.com")), /holds a generated market/);
});

test("a folder that a worker filled by itself is taken for real data", async () => {
  await using folder = await temporaryFolder();
  await checkFolder(configOf(folder.path, "https://api.tushare.pro"));
  await mkdir(join(folder.path, "clickhouse"));
  await assert.rejects(markFolder(folder.path, "simulated"), /holds data of a real provider/);
  await checkFolder(configOf(folder.path, "https://api.tushare.pro"));
});
