import { copyFile, cp, link, lstat, mkdir, readdir } from "node:fs/promises";
import path from "node:path";

import { lastLines, runCommand } from "../run-command.ts";
import type { Dockerfile, Stage } from "./dockerfile.ts";
import { interpolate } from "./interpolate.ts";

export interface DockerfileRun {
  readonly dockerfile: Dockerfile;
  /** The folder that a build would be given. */
  readonly context: string;
  /** An empty folder; each stage gets one in it that stands for its root. */
  readonly root: string;
  /** Does a step in another way and answers true; for tests that have no time for all of them. */
  readonly instead?: (stage: string, command: string, workdir: string) => Promise<boolean>;
  readonly say?: (line: string) => void;
}

export interface BuiltImage {
  /** The folder that stands for the root of the last stage. */
  readonly root: string;
  readonly workdir: string;
  /** What the image sets, with paths as they are here. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Does what the Dockerfile says, step by step, with folders in place of images: COPY copies, RUN runs with `sh` in the
 * stage's working folder, ENV and ARG make its environment. The base image is this machine with the Node that runs
 * this. It shows that the steps work one after the other and need nothing but what they copy; it shows nothing of the
 * base image, of users, of layers and of what else a builder does.
 */
export async function runDockerfile(run: DockerfileRun): Promise<BuiltImage> {
  const done = new Map<string, BuiltImage>();
  let last: BuiltImage | undefined;
  for (const stage of run.dockerfile.stages) {
    last = await runStage(stage, run, done);
    done.set(stage.name, last);
  }
  if (last === undefined) {
    throw new Error("the Dockerfile has no stage");
  }
  return last;
}

async function runStage(stage: Stage, run: DockerfileRun, done: ReadonlyMap<string, BuiltImage>): Promise<BuiltImage> {
  const root = path.join(run.root, stage.name);
  const bin = path.join(root, "usr", "local", "bin");
  await mkdir(bin, { recursive: true });
  await putNode(path.join(bin, "node"));
  const env: Record<string, string> = { PATH: `${bin}:${outerPath()}` };
  let workdir = root;
  for (const { name, text, line } of stage.instructions) {
    switch (name) {
      case "WORKDIR":
        workdir = path.join(root, interpolate(text, env));
        await mkdir(workdir, { recursive: true });
        break;
      case "ENV":
        for (const [, variable = "", quoted, bare = ""] of text.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)) {
          env[variable] = variable === "PATH" ? pathIn(root, bare, env) : interpolate(quoted ?? bare, env);
        }
        break;
      case "COPY":
        run.say?.(`${stage.name}: COPY ${text}`);
        await copy(text, { run, done, root, workdir });
        break;
      case "RUN": {
        run.say?.(`${stage.name}: RUN ${text}`);
        if ((await run.instead?.(stage.name, text, workdir)) !== true) {
          const { code, output } = await runCommand("/bin/sh", ["-c", text], {
            cwd: workdir,
            env: { ...outerEnvironment(), ...env },
          });
          if (code !== 0) {
            throw new Error(`line ${line}: ${text} ended with ${code}, saying\n${lastLines(output, 15)}`);
          }
        }
        break;
      }
      // Says something to whoever runs the image, and does nothing to its files.
      default:
        break;
    }
  }
  return { root, workdir, env };
}

/** Node is more than a hundred megabytes, so it is linked where the folder is on the same disk. */
async function putNode(target: string): Promise<void> {
  try {
    await link(process.execPath, target);
  } catch {
    await copyFile(process.execPath, target);
  }
}

interface CopyParts {
  readonly run: DockerfileRun;
  readonly done: ReadonlyMap<string, BuiltImage>;
  readonly root: string;
  readonly workdir: string;
}

/** A folder's content goes into the target; a file goes into a target that ends in a slash, else becomes it. */
async function copy(text: string, { run, done, root, workdir }: CopyParts): Promise<void> {
  const [, from, rest = ""] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(text) ?? [];
  const words = rest.split(/\s+/);
  const target = words.at(-1) ?? "";
  const to = path.isAbsolute(target) ? path.join(root, target) : path.join(workdir, target);
  for (const word of words.slice(0, -1)) {
    const source = from === undefined ? path.join(run.context, word) : path.join(done.get(from)?.root ?? "", word);
    const isFolder = (await lstat(source)).isDirectory();
    const isInto = !isFolder && (target.endsWith("/") || words.length > 2);
    await cp(source, isInto ? path.join(to, path.basename(source)) : to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => from !== undefined || !/\.(?:test|integration)\.ts$/.test(file),
    });
  }
}

/** Folders of the image become folders of its stage. */
function pathIn(root: string, text: string, env: Readonly<Record<string, string>>): string {
  return text
    .split(":")
    .map((part) => (part.startsWith("/") ? path.join(root, part) : interpolate(part, env)))
    .join(":");
}

/** What a step needs of this machine: its shell and its way to packages. Nothing of the project's own folder. */
const OUTER =
  /^(?:HOME|TMPDIR|LANG|NODE_EXTRA_CA_CERTS|(?:https?|no)_proxy|npm_config_(?:registry|cache|userconfig|globalconfig|cafile))$/i;

function outerEnvironment(): Readonly<Record<string, string>> {
  const kept = Object.entries(process.env).filter(([name]) => OUTER.test(name));
  // Packages that were installed once come from npm's own cache.
  return { ...Object.fromEntries(kept.map(([name, value = ""]) => [name, value])), npm_config_prefer_offline: "true" };
}

function outerPath(): string {
  return (process.env["PATH"] ?? "")
    .split(":")
    .filter((folder) => !folder.includes("node_modules"))
    .join(":");
}

/** Bytes of all files in a folder. */
export async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      bytes += (await lstat(path.join(entry.parentPath, entry.name))).size;
    }
  }
  return bytes;
}
