import { cp, glob, mkdir } from "node:fs/promises";
import path from "node:path";

import { readDeployFiles } from "../../../scripts/lib/deploy/check-all.ts";
import { environmentOf, parseDockerfile } from "../../../scripts/lib/deploy/dockerfile.ts";
import { projectFolder } from "../../../scripts/lib/project.ts";
import { runProcess } from "../consumer/run-process.ts";

const BUILD_MS_MAX = 240_000;

/** Compiles the worker as the package has it and answers its program; what it depends on is found above, in the project. */
export async function buildPackage(): Promise<string> {
  const home = path.join(projectFolder, ".cache", "bench", "package");
  await mkdir(home, { recursive: true });
  const tsc = path.join(projectFolder, "node_modules", ".bin", "tsc");
  const config = path.join(projectFolder, "tsconfig.build.json");
  const dist = path.join(home, "dist");
  // What was built before is only looked through for changes.
  const known = ["--incremental", "--tsBuildInfoFile", path.join(dist, "build-info.json")];
  const { text, failure } = await runProcess(tsc, ["-p", config, "--outDir", dist, ...known], {
    untilMs: BUILD_MS_MAX,
  });
  if (failure !== undefined) {
    throw new Error(`building the worker: ${failure}\n${text}`);
  }
  for await (const file of glob("**/*.sql", { cwd: path.join(projectFolder, "src") })) {
    await cp(path.join(projectFolder, "src", file), path.join(dist, file));
  }
  for (const part of ["package.json", "bin"]) {
    await cp(path.join(projectFolder, part), path.join(home, part), { recursive: true });
  }
  return path.join(home, "bin", "gdw.cjs");
}

/** What the image sets for Node, read from its Dockerfile. */
export function imageNodeOptions(): string {
  const stage = parseDockerfile(readDeployFiles()["deploy/Dockerfile"]).stages.at(-1);
  const options = stage === undefined ? undefined : environmentOf(stage)["NODE_OPTIONS"];
  if (options === undefined || options === "") {
    throw new Error("reading the Dockerfile: its last stage sets no NODE_OPTIONS");
  }
  return options;
}
