import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { SETTINGS } from "../../../src/config/settings.ts";
import { UPDATE_PARTITIONS } from "../../../src/queue/topic-spec.ts";
import { kafkaVersion } from "../kafka-parts.ts";
import { projectFolder } from "../project.ts";
import { type Check, check } from "./check.ts";
import { checkImage } from "./check-image.ts";
import { checkKubernetes } from "./check-kubernetes.ts";
import { checkOneMachine } from "./check-one-machine.ts";
import { checkWorkerService } from "./check-worker-service.ts";
import { parseCompose } from "./compose.ts";
import { environmentOf, parseDockerfile } from "./dockerfile.ts";
import { parseKubernetes } from "./kubernetes.ts";
import { type ProgramWords, programWords } from "./program-words.ts";

export const DEPLOY_FILES = [
  "deploy/Dockerfile",
  "deploy/Dockerfile.dockerignore",
  "deploy/docker-compose.yml",
  "deploy/ginkgo.compose.yml",
  "deploy/kubernetes.yaml",
] as const;
export type DeployFile = (typeof DEPLOY_FILES)[number];
export type DeployTexts = Readonly<Record<DeployFile, string>>;

function read(file: DeployFile): string {
  return readFileSync(path.join(projectFolder, file), "utf8");
}

export function readDeployFiles(): DeployTexts {
  return {
    "deploy/Dockerfile": read("deploy/Dockerfile"),
    "deploy/Dockerfile.dockerignore": read("deploy/Dockerfile.dockerignore"),
    "deploy/docker-compose.yml": read("deploy/docker-compose.yml"),
    "deploy/ginkgo.compose.yml": read("deploy/ginkgo.compose.yml"),
    "deploy/kubernetes.yaml": read("deploy/kubernetes.yaml"),
  };
}

/** Every check that needs no server, in the order of a report. A file that cannot be read at all throws. */
export function checkDeployFiles(texts: DeployTexts, words: ProgramWords = programWords()): readonly Check[] {
  const dockerfile = parseDockerfile(texts["deploy/Dockerfile"]);
  const last = dockerfile.stages.at(-1);
  const image = last === undefined ? {} : environmentOf(last);
  const oneMachine = parseCompose(texts["deploy/docker-compose.yml"]);
  const ginkgo = parseCompose(texts["deploy/ginkgo.compose.yml"]);
  const worker = oneMachine.services["worker"];
  const replacement = ginkgo.services["data-worker"];
  if (worker === undefined || replacement === undefined) {
    return [check("the Compose files have a worker", ["worker or data-worker is missing"])];
  }
  const own = checkWorkerService({ file: "deploy/docker-compose.yml", service: worker, image, words });
  return [
    ...checkImage({
      dockerfile,
      ignore: texts["deploy/Dockerfile.dockerignore"]
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#")),
      healthPort: Number.parseInt(SETTINGS.health.port.defaultText, 10),
      exists: (file) => existsSync(path.join(projectFolder, file)),
      words,
    }),
    ...own.checks,
    ...checkOneMachine({
      file: "deploy/docker-compose.yml",
      compose: oneMachine,
      config: own.config,
      kafkaVersion,
      buildArgs: dockerfile.args,
    }),
    ...checkWorkerService({ file: "deploy/ginkgo.compose.yml", service: replacement, image, words }).checks,
    ...checkKubernetes({
      file: "deploy/kubernetes.yaml",
      objects: parseKubernetes(texts["deploy/kubernetes.yaml"]),
      image,
      words,
      partitions: UPDATE_PARTITIONS,
    }),
  ];
}
