import { type ChildProcess, spawn } from "node:child_process";
import { chmod, readdir, readFile, symlink } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";

import { parseDockerfile } from "../../scripts/lib/deploy/dockerfile.ts";
import { readDeployFiles } from "../../scripts/lib/deploy/check-all.ts";
import { type BuiltImage, runDockerfile } from "../../scripts/lib/deploy/run-dockerfile.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { isFullRun } from "../support/sizes.ts";
import { type GdwEnded, runGdw } from "../support/run-gdw.ts";

/** The user of the image. */
const USER = 1000;

/**
 * The Dockerfile's steps in `root`, then everything made read-only. A small run takes the packages of the stage that
 * compiles from this project, which `npm ci` put there from the same lock file; a full one installs them, too. What
 * goes into the image is installed in both.
 */
export async function buildImage(root: string): Promise<BuiltImage> {
  const image = await runDockerfile({
    dockerfile: parseDockerfile(readDeployFiles()["deploy/Dockerfile"]),
    context: projectFolder,
    root,
    instead: async (stage, command, workdir) => {
      const isLong = !isFullRun && stage === "build" && command === "npm ci";
      if (isLong) {
        await symlink(path.join(projectFolder, "node_modules"), path.join(workdir, "node_modules"));
      }
      return isLong;
    },
  });
  await makeReadable(root, image.root);
  return image;
}

/** Runs a command of the image as its user, where this user may become another; a read-only folder is all it has. */
export async function runInImage(
  image: BuiltImage,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<GdwEnded> {
  const [command, ...before] = commandOf(image);
  return await runGdw(args, {
    folder: image.workdir,
    command: [command, ...before],
    env: { ...image.env, HOME: "/nonexistent", ...env },
  });
}

/** The same for a worker that stays up. */
export function startInImage(
  image: BuiltImage,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const [command, ...before] = commandOf(image);
  return spawn(command, [...before, ...args], {
    cwd: image.workdir,
    env: { ...image.env, HOME: "/nonexistent", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Packages of the lock file that are only for development, or optional, and are there all the same. */
export async function needlessPackages(image: BuiltImage): Promise<readonly string[]> {
  const lock: unknown = parse(await readFile(path.join(projectFolder, "package-lock.json"), "utf8"));
  const { packages } = lock as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>;
  };
  const there = new Set(await readdir(path.join(image.workdir, "node_modules"), { recursive: true }));
  return Object.entries(packages)
    .filter(([, { dev, optional, devOptional }]) => dev === true || optional === true || devOptional === true)
    .map(([name]) => name.replace(/^node_modules\//, ""))
    .filter((name) => there.has(name));
}

/** `setpriv` becomes the user of the image and gives up every right; without root we are nobody special already. */
function commandOf(image: BuiltImage): readonly [string, ...string[]] {
  const program = path.join(image.workdir, "bin", "gdw");
  return process.getuid?.() === 0
    ? ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "--no-new-privs", "--", program]
    : [program];
}

async function makeReadable(outer: string, root: string): Promise<void> {
  await chmod(outer, 0o755);
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    // Node itself may be a second name of this machine's.
    if (entry.name !== "node" && (entry.isDirectory() || entry.isFile())) {
      await chmod(file, entry.isDirectory() || entry.name === "gdw.cjs" ? 0o555 : 0o444);
    }
  }
}
