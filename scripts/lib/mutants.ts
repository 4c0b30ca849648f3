import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

import { recordingsFolder } from "../../test/support/services.ts";
import { openGuardedFolder } from "../../test/support/services/guarded-folder.ts";
import { projectFolder } from "./project.ts";
import { lastLines, runCommand } from "./run-command.ts";

/** A change that takes one guard away, and the test that must notice. */
export interface Mutant {
  readonly name: string;
  /** What it does, in a line. */
  readonly says: string;
  /** The file of tests that must go red. */
  readonly test: string;
  /** Part of the names of the tests to run; all of the file when absent. */
  readonly only: string | undefined;
  /** A piece of what the failing test says, so that a test that is red for another reason does not count. */
  readonly expect: string;
  /** True when the test runs in full size only. */
  readonly isFull: boolean;
  /** The unified diff, against the project's folder. */
  readonly diff: string;
}

export type MutantVerdict =
  | { readonly kind: "caught"; readonly ms: number }
  /** The test was green, or red without saying what it should. */
  | { readonly kind: "not-caught"; readonly why: string; readonly ms: number }
  /** The patch does not apply any more. */
  | { readonly kind: "broken"; readonly why: string };

export const mutantsFolder = path.join(projectFolder, "test", "mutants");

/** All mutants, by name. Throws when a file lacks a line that it must have. */
export function readMutants(): readonly Mutant[] {
  return readdirSync(mutantsFolder)
    .filter((file) => file.endsWith(".patch"))
    .toSorted()
    .map((file) => parseMutant(path.basename(file, ".patch"), readFileSync(path.join(mutantsFolder, file), "utf8")));
}

export function parseMutant(name: string, text: string): Mutant {
  const at = text.indexOf("--- a/");
  const head = new Map(
    text
      .slice(0, at === -1 ? text.length : at)
      .split("\n")
      .flatMap((line) => {
        const [, key, value] = /^(\w+):\s*(.+?)\s*$/.exec(line) ?? [];
        return key === undefined || value === undefined ? [] : [[key, value] as const];
      }),
  );
  const get = (key: string): string => {
    const value = head.get(key);
    if (value === undefined) {
      throw new Error(`reading mutant ${name}: its head has no line "${key}: …"`);
    }
    return value;
  };
  if (at === -1) {
    throw new Error(`reading mutant ${name}: it has no unified diff`);
  }
  return {
    name,
    says: get("Says"),
    test: get("Test"),
    only: head.get("Only"),
    expect: get("Expect"),
    isFull: head.get("Size") === "full",
    diff: text.slice(at),
  };
}

export interface MutantRun {
  readonly variables: Readonly<Record<string, string>>;
  /** Runs the test without the patch first: a test that is red anyway proves nothing. */
  readonly hasControl: boolean;
  readonly isFull: boolean;
}

/** A copy of the project in which guards may be taken away, one after the other; gone when disposed of. */
export interface MutantFolder extends AsyncDisposable {
  readonly path: string;
}

export async function openMutantFolder(): Promise<MutantFolder> {
  const folder = await openGuardedFolder("mutant");
  await copyProject(folder.path);
  return folder;
}

/** The folder is as before when it is done. */
export async function tryMutant(mutant: Mutant, run: MutantRun, folder: MutantFolder): Promise<MutantVerdict> {
  if (run.hasControl) {
    const { code, output } = await runTest(mutant, run, folder.path);
    if (code !== 0) {
      return { kind: "broken", why: `the test is red without it:\n${lastLines(output, 20)}` };
    }
  }
  const patched = await applyPatch(mutant, folder.path);
  if (patched !== undefined) {
    return { kind: "broken", why: patched };
  }
  const startedMs = performance.now();
  const { code, output } = await runTest(mutant, run, folder.path);
  const ms = Math.round(performance.now() - startedMs);
  const left = await applyPatch(mutant, folder.path, ["--reverse"]);
  if (left !== undefined) {
    throw new Error(`taking mutant ${mutant.name} back: ${left}`);
  }
  if (code === 0) {
    return { kind: "not-caught", why: "the test is green with it", ms };
  }
  return output.includes(mutant.expect)
    ? { kind: "caught", ms }
    : { kind: "not-caught", why: `the test is red and does not say "${mutant.expect}":\n${lastLines(output, 30)}`, ms };
}

async function copyProject(to: string): Promise<void> {
  const { code, output } = await runCommand("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: projectFolder,
  });
  if (code !== 0) {
    throw new Error(`listing the project's files: ${lastLines(output, 3)}`);
  }
  for (const file of output.split("\0").filter((name) => name !== "")) {
    const target = path.join(to, file);
    mkdirSync(path.dirname(target), { recursive: true });
    cpSync(path.join(projectFolder, file), target, { force: true });
  }
  for (const name of ["node_modules", ".cache"]) {
    symlinkSync(path.join(projectFolder, name), path.join(to, name));
  }
}

/** Names those whose patch does not apply to the project as it stands; nothing is changed. */
export async function findStale(mutants: readonly Mutant[]): Promise<readonly string[]> {
  await using scratch = await openGuardedFolder("mutants");
  const stale: string[] = [];
  for (const mutant of mutants) {
    const file = writePatch(mutant, scratch.path);
    const { code } = await runCommand("git", [...APPLY, "--check", file], { cwd: projectFolder });
    if (code !== 0) {
      stale.push(mutant.name);
    }
  }
  return stale;
}

const APPLY = ["apply", "-p1", "--recount"];

function writePatch({ diff }: Mutant, folder: string): string {
  const file = path.join(folder, "mutant.diff");
  writeFileSync(file, diff);
  return file;
}

/** Answers what went wrong. */
async function applyPatch(mutant: Mutant, folder: string, flags: readonly string[] = []): Promise<string | undefined> {
  const { code, output } = await runCommand("git", [...APPLY, ...flags, writePatch(mutant, folder)], { cwd: folder });
  return code === 0 ? undefined : `its patch does not apply: ${lastLines(output, 5)}`;
}

function runTest(
  { test, only }: Mutant,
  { variables, isFull }: MutantRun,
  folder: string,
): ReturnType<typeof runCommand> {
  const pattern = only === undefined ? [] : [`--test-name-pattern=${only}`];
  return runCommand(process.execPath, ["--test", "--test-timeout=600000", ...pattern, test], {
    cwd: folder,
    env: {
      ...withoutRunner(process.env),
      ...variables,
      GINKGO_TEST_DATA: recordingsFolder(),
      GINKGO_TEST_SIZE: isFull ? "full" : "small",
    },
  });
}

/** A runner inside a runner would report to the outer one and run nothing. */
function withoutRunner(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== "NODE_TEST_CONTEXT"));
}
