import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { projectFolder } from "../scripts/lib/project.ts";

/** What a program that depends on the package writes; the errors that are expected show that the types have arrived. */
const CONSUMER = `
import { createWorker, SettingsError, type Worker, type WorkerState } from "ginkgo-data-worker";

const worker: Worker = createWorker({ worker: { drainMs: 1_000 } });
const state: WorkerState = worker.state;
// @ts-expect-error a state that there is not
const wrong: WorkerState = "PAUSED";
// @ts-expect-error the time-out is a number
const late: Parameters<Worker["stop"]>[0] = { timeoutMs: "30 s" };
const { dropped, isCommitted } = await worker.stop();
let problems: readonly string[] = [];
try {
  createWorker({ worker: { drain_m: 1 } });
} catch (error) {
  problems = error instanceof SettingsError ? error.problems : [];
}
console.log(JSON.stringify({ state, dropped, isCommitted, problems: problems.length, wrong, late }));
`;

test("the built package is found by its name, with its types, and its program starts", () => {
  // Inside the project, so that what the package depends on is found above it.
  mkdirSync(join(projectFolder, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(projectFolder, ".cache", "package-"));
  try {
    const home = join(folder, "node_modules", "ginkgo-data-worker");
    mkdirSync(home, { recursive: true });
    for (const part of ["package.json", "bin"]) {
      cpSync(join(projectFolder, part), join(home, part), { recursive: true });
    }
    const tsc = join(projectFolder, "node_modules", ".bin", "tsc");
    run(tsc, ["-p", join(projectFolder, "tsconfig.build.json"), "--outDir", join(home, "dist")], projectFolder);

    writeFileSync(join(folder, "consumer.mts"), CONSUMER);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    const flags = ["--strict", "--module", "nodenext", "--target", "esnext", "--types", "node", "--outDir", "out"];
    run(tsc, [...flags, "--skipLibCheck", "--ignoreConfig", "consumer.mts"], folder);
    const out = run(process.execPath, [join("out", "consumer.mjs")], folder);
    assert.deepEqual(JSON.parse(out), {
      state: "STOPPED",
      dropped: 0,
      isCommitted: true,
      problems: 1,
      wrong: "PAUSED",
      late: { timeoutMs: "30 s" },
    });
    assert.match(run(process.execPath, [join(home, "bin", "gdw.cjs"), "--version"], folder), /^gdw \d+\.\d+\.\d+\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function run(command: string, args: readonly string[], folder: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8", timeout: 120_000 });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  return stdout;
}
