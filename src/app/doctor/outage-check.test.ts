import assert from "node:assert/strict";
import { test } from "node:test";

import type { AskWorkers } from "../status/ask-workers.ts";
import { outageCheck } from "./outage-check.ts";
import { runChecks } from "./run-checks.ts";

const never = new AbortController().signal;
const WELL = { state: "running", outages: [], calls: [], held: undefined } as const;
const SILENT = { ...WELL, outages: undefined };

async function look(ask: AskWorkers | undefined): Promise<readonly string[]> {
  const [check] = await Array.fromAsync(runChecks([outageCheck(ask)], never));
  return [check?.verdict ?? "", check?.seen ?? ""];
}

test("a provider that is out is a warning that names it, its api and since when, and no failure", async () => {
  const daily = { provider: "tushare", api: "daily", state: "open", why: "reset" } as const;
  const workers = [
    WELL,
    { ...WELL, outages: [{ ...daily, since: "2026-03-02T02:00:00Z" }] },
    { ...WELL, outages: [{ ...daily, since: "2026-03-02T01:00:00Z" }] },
  ];
  assert.deepEqual(await look(async () => workers), ["warn", "tushare daily is out since 2026-03-02T01:00:00Z"]);
  assert.deepEqual(await look(async () => [WELL, SILENT]), ["ok", "none for the worker that is at work"]);
});

test("where no worker says anything of providers nothing is claimed", async () => {
  assert.equal((await look(undefined))[0], "skipped");
  assert.equal((await look(async () => []))[0], "skipped");
  assert.equal((await look(async () => [SILENT]))[0], "skipped");
});
