import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { suite, test, type TestContext } from "node:test";

import { z } from "zod";

import { projectFolder } from "../../scripts/lib/project.ts";
import { isRunning } from "./rig/is-running.ts";
import { canRun, serviceNames, serviceTable } from "./services.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { waitFor } from "./wait-for.ts";

const reportSchema = z.object({ owner: z.int(), services: z.array(z.int()), ports: z.array(z.int().positive()) });
const OWNER = path.join(import.meta.dirname, "rig", "owner.ts");
const HANGING = path.join(import.meta.dirname, "rig", "hanging.ts");
const RUNNER = path.join(projectFolder, "scripts", "test.ts");

suite("no service and no folder outlives the tests", () => {
  for (const how of ["SIGKILL", "SIGINT"] as const) {
    test(`when the process that started them gets ${how}`, async (t) => {
      await runAndEnd(t, [OWNER, "hold"], (child) => child.kill(how));
    });
  }

  test("when the process that started them ends without stopping them", async (t) => {
    await runAndEnd(t, [OWNER, "leave"], () => undefined);
  });

  test("when Ctrl-C interrupts npm test, which then has the exit code of a signal", async (t) => {
    const child = await runAndEnd(t, [RUNNER, "--skip-checks", HANGING], (child) => child.kill("SIGINT"));
    if (child !== undefined) {
      assert.equal(child.exitCode, 130);
    }
  });

  test("when npm test is killed", async (t) => {
    await runAndEnd(t, [RUNNER, "--skip-checks", HANGING], (child) => child.kill("SIGKILL"));
  });
});

/** Runs a program that starts services and tells their process ids, ends it, and looks for what is left. */
async function runAndEnd(
  t: TestContext,
  args: readonly string[],
  end: (child: ChildProcess) => void,
): Promise<ChildProcess | undefined> {
  for (const name of serviceNames) {
    if (!canRun(t, serviceTable[name].whyNot())) {
      return undefined;
    }
  }
  await using folder = await temporaryFolder("ginkgo-death");
  const temporary = path.join(folder.path, "tmp");
  await mkdir(temporary);
  const file = path.join(folder.path, "report.json");
  const child = spawn(process.execPath, args.includes(HANGING) ? args : [...args, file], {
    cwd: projectFolder,
    stdio: "ignore",
    env: ownEnvironment(temporary, file),
  });
  const exited = once(child, "exit");
  try {
    await waitFor(() => existsSync(file), { what: "the services of the program", timeoutMs: 60_000 });
    const report = reportSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    assert.ok(report.services.length > 0);
    assert.notEqual((await readdir(temporary)).length, 0);
    end(child);
    await exited;
    const pids = [report.owner, ...report.services];
    await waitFor(() => !pids.some(isRunning), { what: `the end of processes ${pids.join(", ")}` });
    for (const port of report.ports) {
      await waitFor(async () => !(await isListening(port)), { what: `the end of what listens on port ${port}` });
    }
    // The folder that all of them were told to use for temporary files is as empty as before.
    await waitFor(async () => (await readdir(temporary)).length === 0, { what: "the end of the folders" });
  } finally {
    child.kill("SIGKILL");
  }
  return child;
}

/** Nothing of the run that this test belongs to: the program starts services of its own. */
function ownEnvironment(temporary: string, file: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: temporary, GINKGO_RIG_FILE: file };
  delete env["NODE_TEST_CONTEXT"];
  for (const name of serviceNames) {
    delete env[serviceTable[name].variable];
    delete env[serviceTable[name].missingVariable];
  }
  return env;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
