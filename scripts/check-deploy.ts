import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { checkDeployFiles, readDeployFiles } from "./lib/deploy/check-all.ts";
import { parseDockerfile } from "./lib/deploy/dockerfile.ts";
import { runDockerfile, sizeOf } from "./lib/deploy/run-dockerfile.ts";
import { projectFolder } from "./lib/project.ts";
import { runCommand } from "./lib/run-command.ts";

/**
 * `npm run check:deploy`: holds the files of deploy/ against the program and against what its platform promises it, and
 * lists every check. `--build` also does the steps of the Dockerfile in an empty folder, which installs all packages.
 */
const NOT_SHOWN = [
  "that the images named in the files exist, and that a builder accepts the Dockerfile: no container engine is asked",
  "how ClickHouse's and Redis's own images start (password, health check, volumes); the servers the tests run on are other builds",
  "that a cluster admits the Kubernetes objects, and that it has a metric ginkgo_queue_lag: only their form is checked",
  "that the hosts and the network of Ginkgo's own Compose file are called on your machine as they are there",
];

const { values } = parseArgs({ options: { build: { type: "boolean", default: false } } });

function checkFiles(): number {
  let wrong = 0;
  for (const { what, problems } of checkDeployFiles(readDeployFiles())) {
    console.log(`${problems.length === 0 ? "ok   " : "WRONG"} ${what}`);
    for (const problem of problems) {
      console.log(`        ${problem}`);
    }
    wrong += problems.length;
  }
  return wrong;
}

async function build(): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), "gdw-image-"));
  try {
    const dockerfile = parseDockerfile(readDeployFiles()["deploy/Dockerfile"]);
    const image = await runDockerfile({ dockerfile, context: projectFolder, root, say: (line) => console.log(line) });
    const { code, output } = await runCommand("gdw", ["--version"], { cwd: image.workdir, env: { ...image.env } });
    const megabytes = Math.round((await sizeOf(image.workdir)) / 1_000_000);
    console.log(
      `built: ${output.trim()} (exit ${code}), ${megabytes} MB in ${path.relative(image.root, image.workdir)}`,
    );
    if (code !== 0) {
      process.exitCode = 1;
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const wrong = checkFiles();
console.log("\nNot shown by these checks:");
for (const line of NOT_SHOWN) {
  console.log(`  - ${line}`);
}
if (wrong > 0) {
  console.log(`\n${wrong} problems`);
  process.exitCode = 1;
}
if (values.build) {
  await build();
}
