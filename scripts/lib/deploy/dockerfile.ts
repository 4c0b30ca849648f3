import { interpolate } from "./interpolate.ts";

export interface Instruction {
  /** In capitals, such as `COPY`. */
  readonly name: string;
  /** What follows, continued lines joined. */
  readonly text: string;
  readonly line: number;
}

export interface Stage {
  /** What `AS` says, else the number. */
  readonly name: string;
  /** The image, with build arguments at their defaults. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** Defaults of the arguments before the first stage. */
  readonly args: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
}

export interface HealthCommand {
  readonly options: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

const KNOWN = new Set([
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "RUN",
  "STOPSIGNAL",
  "USER",
  "WORKDIR",
]);

/** Reads the part of the language that ours is written in; throws with the line for anything else. */
export function parseDockerfile(text: string): Dockerfile {
  const args: Record<string, string> = {};
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (instruction.name === "FROM") {
      const [, image = "", name = String(stages.length)] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(instruction.text) ?? [];
      stages.push({ name, from: interpolate(image, args), instructions: [] });
    } else if (stage !== undefined) {
      stage.instructions.push(instruction);
    } else if (instruction.name === "ARG") {
      const [name, value] = splitOnce(instruction.text, "=");
      args[name] = value;
    } else {
      throw new Error(`line ${instruction.line}: ${instruction.name} stands before the first FROM`);
    }
  }
  return { args, stages };
}

/** The last instruction of that name in a stage, which is the one that counts. */
export function lastOf(stage: Stage, name: string): string | undefined {
  return stage.instructions.findLast((instruction) => instruction.name === name)?.text;
}

/** Everything that `ENV` sets in a stage; `before` is what stood there already. */
export function environmentOf(
  stage: Stage,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const { name, text } of stage.instructions) {
    if (name === "ENV") {
      for (const [, variable = "", quoted, bare = ""] of text.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)) {
        env[variable] = interpolate(quoted ?? bare, { ...before, ...env });
      }
    }
  }
  return env;
}

/** The JSON form of CMD and ENTRYPOINT, the one that needs no shell; undefined for any other. */
export function execForm(text: string | undefined): readonly string[] | undefined {
  try {
    const words: unknown = JSON.parse(text ?? "");
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : undefined;
  } catch {
    return undefined;
  }
}

export function healthCommandOf(stage: Stage): HealthCommand | undefined {
  const [options, command] = splitOnce(lastOf(stage, "HEALTHCHECK") ?? "", "CMD ");
  const words = execForm(command);
  return words === undefined
    ? undefined
    : {
        options: Object.fromEntries([...options.matchAll(/--([\w-]+)=(\S+)/g)].map(([, name, value]) => [name, value])),
        command: words,
      };
}

function instructionsOf(text: string): readonly Instruction[] {
  const found: Instruction[] = [];
  let pending: { readonly line: number; text: string } | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    if (/^\s*#/.test(raw) || (raw.trim() === "" && pending === undefined)) {
      continue;
    }
    pending ??= { line: index + 1, text: "" };
    const isContinued = raw.endsWith("\\");
    pending.text += isContinued ? `${raw.slice(0, -1).trim()} ` : raw.trim();
    if (!isContinued) {
      found.push(instructionOf(pending.text, pending.line));
      pending = undefined;
    }
  }
  if (pending !== undefined) {
    throw new Error(`line ${pending.line}: the last line is continued by nothing`);
  }
  return found;
}

function instructionOf(text: string, line: number): Instruction {
  const [word, rest] = splitOnce(text, " ");
  const name = word.toUpperCase();
  if (!KNOWN.has(name) || rest.trim() === "") {
    throw new Error(
      `line ${line}: ${KNOWN.has(name) ? `${name} says nothing` : `${word} is no instruction known here`}`,
    );
  }
  return { name, text: rest.trim(), line };
}

function splitOnce(text: string, at: string): readonly [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + at.length)];
}
