import { type Check, check, differs, durationMs, unless } from "./check.ts";
import { CONTRACT, HEAP_SHARE_MAX } from "./contract.ts";
import {
  type Dockerfile,
  environmentOf,
  execForm,
  healthCommandOf,
  type Instruction,
  lastOf,
  type Stage,
} from "./dockerfile.ts";
import { type ProgramWords, whyNoCommand } from "./program-words.ts";

export interface ImageFiles {
  readonly dockerfile: Dockerfile;
  /** The lines of the file that says what a build may see. */
  readonly ignore: readonly string[];
  /** The program's own default of `health.port`. */
  readonly healthPort: number;
  readonly exists: (path: string) => boolean;
  readonly words: ProgramWords;
}

const NODE_IMAGE = "node:24-bookworm-slim";
const FILE = "deploy/Dockerfile";

/** The image by its Dockerfile alone; whether it builds is another question. */
export function checkImage({ dockerfile, ignore, healthPort, exists, words }: ImageFiles): readonly Check[] {
  const { stages, args } = dockerfile;
  const last = stages.at(-1);
  if (last === undefined) {
    return [check(`${FILE}: has a stage`, ["there is none"])];
  }
  const env = environmentOf(last);
  const installs = stages.flatMap((stage) => installsOf(stage).map((text) => ({ stage, text })));
  return [
    check(`${FILE}: every stage begins with ${NODE_IMAGE}, which a build argument can replace`, [
      differs("the argument NODE_IMAGE", args["NODE_IMAGE"], NODE_IMAGE),
      ...stages.map(({ name, from }) => differs(`the image of stage ${name}`, from, NODE_IMAGE)),
    ]),
    check(`${FILE}: no registry stands in it, a build argument names one`, [
      ...installs.map(({ stage, text }) =>
        unless(
          takesArgument(stage, "NPM_CONFIG_REGISTRY", text),
          `stage ${stage.name} installs without ARG NPM_CONFIG_REGISTRY before it`,
        ),
      ),
      ...stages.flatMap((stage) =>
        stage.instructions
          .filter(({ text }) => /https?:\/\//.test(text))
          .map(({ line }) => `line ${line} has an address in it`),
      ),
    ]),
    check(`${FILE}: what goes into the image was installed without development and optional dependencies`, [
      ...modulesInto(last).map((from) => {
        const commands = stages.filter(({ name }) => name === from).flatMap(installsOf);
        return unless(
          commands.length > 0 && commands.every((text) => /--omit=dev\b/.test(text) && /--omit=optional\b/.test(text)),
          `node_modules comes from stage ${from}, which runs ${commands.join(" && ") || "no install"}`,
        );
      }),
      unless(modulesInto(last).length === 1, "node_modules is not copied from one stage"),
      unless(installsOf(last).length === 0, "the last stage installs something itself"),
    ]),
    check(`${FILE}: everything it copies is there, and a build sees it and nothing else`, [
      unless(ignore[0] === "*", "the ignore file does not begin with *"),
      ...stages.flatMap((stage) => copiesOf(stage).flatMap((path) => copyProblems(path, ignore, exists))),
      ...ignore
        .filter((line) => line.startsWith("!"))
        .map((line) => line.slice(1))
        .filter((path) => !stages.some((stage) => copiesOf(stage).includes(path)))
        .map((path) => `a build sees ${path} and copies it nowhere`),
    ]),
    check(`${FILE}: runs as a user that is not root, by number`, [
      unless(
        /^[1-9]\d*(?::[1-9]\d*)?$/.test(lastOf(last, "USER") ?? ""),
        `USER is ${lastOf(last, "USER") ?? "not set"}`,
      ),
      unless(
        indexOf(last, "USER") > Math.max(indexOf(last, "RUN"), indexOf(last, "COPY")),
        "files are made after USER, and would belong to whoever runs it",
      ),
    ]),
    check(`${FILE}: starts the program without a shell, so that signals reach it`, [
      differs("ENTRYPOINT", execForm(lastOf(last, "ENTRYPOINT")), ["gdw"]),
      whyNoCommand(execForm(lastOf(last, "CMD")) ?? [], words),
      differs("STOPSIGNAL", lastOf(last, "STOPSIGNAL"), "SIGTERM"),
    ]),
    check(`${FILE}: HEALTHCHECK has the contract's numbers and asks the program`, healthProblems(last, words)),
    check(`${FILE}: the port is the program's, and its health can be asked from outside the container`, [
      differs("EXPOSE", lastOf(last, "EXPOSE"), String(healthPort)),
      differs("GINKGO_HEALTH_HOST", env["GINKGO_HEALTH_HOST"], "0.0.0.0"),
    ]),
    check(`${FILE}: the heap fits the ${CONTRACT.memoryMiB} MB of the container`, [
      ...heapProblems(env["NODE_OPTIONS"] ?? ""),
    ]),
  ];
}

function healthProblems(stage: Stage, words: ProgramWords): readonly (string | undefined)[] {
  const health = healthCommandOf(stage);
  if (health === undefined) {
    return ["there is no HEALTHCHECK with a command in JSON form"];
  }
  const { options, command } = health;
  const { intervalSeconds, timeoutSeconds, retries, startSeconds } = CONTRACT.containerCheck;
  return [
    differs("--interval", durationMs(options["interval"]) / 1_000, intervalSeconds),
    differs("--timeout", durationMs(options["timeout"]) / 1_000, timeoutSeconds),
    differs("--retries", options["retries"], String(retries)),
    differs("--start-period", durationMs(options["start-period"]) / 1_000, startSeconds),
    differs("its program", command[0], "gdw"),
    whyNoCommand(command.slice(1), words),
  ];
}

/** Node has three spaces of that size for new objects, beside the old one. */
const NEW_SPACES = 3;

function heapProblems(options: string): readonly (string | undefined)[] {
  const [old, semi] = ["old", "semi"].map((name) =>
    Number.parseInt(new RegExp(`--max-${name}-space-size=(\\d+)`).exec(options)?.[1] ?? "", 10),
  );
  const heapMiB = (old ?? Number.NaN) + NEW_SPACES * (semi ?? Number.NaN);
  const heapMiBMax = CONTRACT.memoryMiB * HEAP_SHARE_MAX;
  return [
    unless(
      heapMiB <= heapMiBMax,
      `--max-old-space-size and --max-semi-space-size let the heap grow to ${heapMiB} MiB, at most ${heapMiBMax} fit`,
    ),
  ];
}

function installsOf(stage: Stage): readonly string[] {
  return stage.instructions
    .filter(({ name, text }) => name === "RUN" && /\bnpm (?:ci|install)\b/.test(text))
    .map(({ text }) => text);
}

function takesArgument(stage: Stage, argument: string, before: string): boolean {
  const at = (isIt: (instruction: Instruction) => boolean): number => stage.instructions.findIndex(isIt);
  const declared = at(({ name, text }) => name === "ARG" && text === argument);
  return declared >= 0 && declared < at(({ text }) => text === before);
}

/** The stages that node_modules comes from. */
function modulesInto(stage: Stage): readonly string[] {
  return stage.instructions
    .filter(({ name, text }) => name === "COPY" && text.endsWith("node_modules"))
    .map(({ text }) => /--from=(\S+)/.exec(text)?.[1] ?? "the build's folder");
}

/** Paths copied from the folder of the build. */
function copiesOf(stage: Stage): readonly string[] {
  return stage.instructions
    .filter(({ name, text }) => name === "COPY" && !text.includes("--from="))
    .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
}

function copyProblems(
  path: string,
  ignore: readonly string[],
  exists: (path: string) => boolean,
): readonly (string | undefined)[] {
  return [
    unless(exists(path), `it copies ${path}, which does not exist`),
    unless(ignore.includes(`!${path}`), `it copies ${path}, which the ignore file hides`),
  ];
}

function indexOf(stage: Stage, wanted: string): number {
  return stage.instructions.findLastIndex(({ name }) => name === wanted);
}
