import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, renameSync } from "node:fs";
import { availableParallelism, constants } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { plantedSecrets, saidVariables } from "../test/support/planted-secrets.ts";
import { recordingsFolder } from "../test/support/services.ts";
import { whyNoPromtool } from "../test/support/services/promtool.ts";
import { openGuardedFolder } from "../test/support/services/guarded-folder.ts";
import { projectFolder } from "./lib/project.ts";
import { runCommand } from "./lib/run-command.ts";
import { tellSecrets } from "./lib/said-secrets.ts";
import { bundleTests, type TestBundles } from "./lib/bundle-tests.ts";
import { describeEmbeddedEngine, filesNeeding, openSuite, type Suite } from "./lib/test-suite.ts";

/**
 * `npm test [-- files…]`: the static checks, then every test in one run of Node's own test runner, over one set of
 * real services. `--full` takes the full sizes, `--skip-checks` leaves the static checks out. What the runner says
 * last is the last thing said.
 */
const PATTERNS = [
  "src/**/*.test.ts",
  "scripts/**/*.test.ts",
  "src/**/*.integration.ts",
  "test/**/*.test.ts",
  "test/**/*.integration.ts",
];
/** Of the whole run; the other files, which start, freeze and kill processes, have one each. */
const BUNDLES: readonly TestBundles[] = [
  {
    name: "unit",
    patterns: ["src/**/*.test.ts", "scripts/**/*.test.ts", "test/core/*.test.ts", "test/contracts/*.test.ts"],
    bundles: 4,
  },
  { name: "adapters", patterns: ["src/**/*.integration.ts"], bundles: 4 },
];
const CHECKS = ["typecheck", "lint", "format:check"];
/** A test that hangs fails after this long. */
const TEST_MS_MAX = { small: 240_000, full: 3_600_000 };
/** The run ends after this long, whatever a file of tests has left open. */
const RUN_MS_MAX = { small: 1_200_000, full: 14_400_000 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { full: { type: "boolean", default: false }, "skip-checks": { type: "boolean", default: false } },
});
const mustHaveServices = process.env["REQUIRE_SERVICES"] === "1";

async function test(stop: AbortSignal): Promise<number> {
  const patterns = positionals.length === 0 ? PATTERNS : positionals;
  const opening = openSuite();
  // Should the checks fail first, what was opening is closed all the same, below.
  opening.catch(() => undefined);
  const areChecksClean = values["skip-checks"] || (await runChecks());
  await using suite = await opening;
  if (!areChecksClean || stop.aborted) {
    return 1;
  }
  for (const fact of [...suite.facts, await describeEmbeddedEngine()]) {
    say(`runs against ${fact}`);
  }
  const areAllHere = tellMissing(suite, patterns);
  if (!areAllHere && mustHaveServices) {
    say("REQUIRE_SERVICES=1: nothing was run");
    return 1;
  }
  // Awaited here, since the services end with this block.
  return stop.aborted ? 1 : await runTests(suite, patterns, stop);
}

async function runChecks(): Promise<boolean> {
  const startedMs = performance.now();
  for (const check of CHECKS) {
    const { code, output } = await runCommand("npm", ["run", "--silent", check], { cwd: projectFolder });
    if (code !== 0) {
      process.stdout.write(output);
      say(`npm run ${check} failed`);
      return false;
    }
  }
  say(`${CHECKS.join(", ")}: clean (${Math.round(performance.now() - startedMs)} ms)`);
  return true;
}

/** Says loudly what is missing, why, and which tests it takes away. Answers whether all is here. */
function tellMissing({ missing }: Suite, patterns: readonly string[]): boolean {
  const lines: string[] = [];
  for (const { title, reason, words } of missing) {
    lines.push(`NO ${title}: ${reason}`, ...namesOf(words, patterns));
  }
  if (!existsSync(recordingsFolder())) {
    lines.push(
      `NO RECORDINGS at ${recordingsFolder()}: set GINKGO_TEST_DATA`,
      ...namesOf(["requireRecordings"], patterns),
    );
  }
  const noPromtool = whyNoPromtool();
  if (noPromtool !== undefined) {
    lines.push(`NO PROMTOOL: ${noPromtool}; run npm run services`, ...namesOf(["requirePromtool"], patterns));
  }
  if (lines.length > 0) {
    const line = "!".repeat(100);
    process.stdout.write(`${[line, ...lines.map((text) => `!! ${text}`), line].join("\n")}\n`);
  }
  return lines.length === 0;
}

function namesOf(words: readonly string[], patterns: readonly string[]): readonly string[] {
  return filesNeeding(words, patterns).map((file) => `   it takes away tests in ${file}`);
}

/** Runs the tests in a process group of their own, which a guard ends should we be killed. */
async function runTests({ variables }: Suite, patterns: readonly string[], stop: AbortSignal): Promise<number> {
  await using guard = await openGuardedFolder("suite");
  const said = path.join(guard.path, "said");
  const size = values.full ? "full" : "small";
  const files = patterns === PATTERNS ? await filesOfAll(guard.path) : patterns;
  const child = spawn(
    process.execPath,
    [
      "--test",
      // One more than processors, since a test of real servers waits more than it works.
      `--test-concurrency=${Math.min(4, availableParallelism() + 1)}`,
      `--test-timeout=${TEST_MS_MAX[size]}`,
      // The second is a copy, which is searched with what the program said.
      ...["stdout", path.join(guard.path, "reported.log")].flatMap((destination) => [
        "--test-reporter=spec",
        `--test-reporter-destination=${destination}`,
      ]),
      ...files,
    ],
    {
      cwd: projectFolder,
      detached: true,
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        ...variables,
        GINKGO_TEST_SIZE: size,
        // Goes with the run, since nothing in it is ever let go.
        NODE_COMPILE_CACHE: path.join(guard.path, "compiled"),
        ...saidVariables(said),
      },
    },
  );
  guard.watch(child.pid);
  const ended = once(child, "exit");
  const interrupt = (): void => {
    killGroup(child);
  };
  stop.addEventListener("abort", interrupt, { once: true });
  let isOverdue = false;
  const deadline = setTimeout(() => {
    isOverdue = true;
    killGroup(child);
  }, RUN_MS_MAX[size]);
  await ended;
  clearTimeout(deadline);
  stop.removeEventListener("abort", interrupt);
  // A file of tests that outlived its runner goes with it.
  killGroup(child);
  guard.watch(undefined);
  if (isOverdue) {
    say(`the run took more than ${RUN_MS_MAX[size]} ms and was ended: a test leaves something open`);
  }
  // The list of the secrets lies beside the folder and is not looked at.
  const reported = path.join(guard.path, "reported.log");
  if (existsSync(reported)) {
    renameSync(reported, path.join(said, "reported.log"));
  }
  const isSilent = tellSecrets(said, plantedSecrets(said), say);
  return isSilent ? (child.exitCode ?? 1) : child.exitCode || 1;
}

/** Bundles, made in that folder, and every file that is in none. */
async function filesOfAll(folder: string): Promise<readonly string[]> {
  const bundled = new Set(
    globSync(
      BUNDLES.flatMap(({ patterns }) => patterns),
      { cwd: projectFolder },
    ),
  );
  const bundles = await Promise.all(BUNDLES.map((group) => bundleTests(folder, group)));
  const alone = globSync(PATTERNS, { cwd: projectFolder }).filter((file) => !bundled.has(file));
  return [...bundles.flat(), ...alone.toSorted()];
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) {
      process.kill(-child.pid, "SIGKILL");
    }
  } catch {
    // The group is empty.
  }
}

function say(line: string): void {
  process.stdout.write(`test: ${line}\n`);
}

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    process.exitCode = 128 + constants.signals[name];
    stopping.abort();
  });
}
try {
  const code = await test(stopping.signal);
  process.exitCode ??= code;
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode ??= 1;
}
