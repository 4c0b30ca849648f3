import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { findExecutable } from "./find-executable.ts";
import { lastLines, runCommand } from "./run-command.ts";

/** A program of the system that the tests need, and the sets of packages that bring it, the preferred set first. */
export interface SystemProgram {
  readonly name: string;
  readonly reason: string;
  readonly packages: readonly (readonly string[])[];
  /** The system's service that the package would start at the next boot, if any. */
  readonly unit?: string;
  isPresent(): Promise<boolean>;
}

const TRIES = 3;
const PAUSE_MS = 3_000;
const JAVA_MAJOR_MIN = 17;

export const systemPrograms: readonly SystemProgram[] = [
  {
    name: "Java 17 or newer",
    reason: "runs the Kafka broker",
    packages: [
      ["openjdk-17-jre-headless"],
      ["openjdk-21-jre-headless"],
      ["openjdk-25-jre-headless"],
      ["default-jre-headless"],
    ],
    isPresent: async () => ((await javaMajor()) ?? 0) >= JAVA_MAJOR_MIN,
  },
  {
    name: "Maven",
    reason: "downloads Kafka's jars",
    packages: [["maven"]],
    isPresent: () => Promise.resolve(findExecutable("mvn") !== undefined),
  },
  {
    name: "Redis",
    reason: "holds the shared budget and the heartbeat",
    packages: [["redis-server"]],
    unit: "redis-server",
    isPresent: () => Promise.resolve(findExecutable("redis-server") !== undefined),
  },
  {
    name: "MariaDB",
    reason: "stands for the MySQL that Ginkgo reads its reference tables from",
    // The core packages have the server and what its installer calls, without a daemon.
    packages: [
      ["mariadb-server-core", "mariadb-client-core"],
      ["mariadb-server-core-10.6", "mariadb-client-core-10.6"],
      ["mariadb-server"],
    ],
    unit: "mariadb",
    isPresent: () =>
      Promise.resolve(
        ["mariadbd", "mariadb-install-db", "my_print_defaults"].every((name) => findExecutable(name) !== undefined),
      ),
  },
  {
    name: "promtool",
    reason: "checks what /metrics answers and the alert rules; nothing of Prometheus itself is started",
    packages: [["prometheus"]],
    unit: "prometheus",
    isPresent: () => Promise.resolve(findExecutable("promtool") !== undefined),
  },
];

/** The first number of `java -version`, or undefined when there is no Java. */
export async function javaMajor(): Promise<number | undefined> {
  const java = findExecutable("java");
  if (java === undefined) {
    return undefined;
  }
  const { output } = await runCommand(java, ["-version"]);
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match === null ? undefined : Number.parseInt(match[1] ?? "0", 10);
}

/** Installs what brings `programs`, leaving no daemon behind. Throws with the line to type when it may not. */
export async function installPrograms(programs: readonly SystemProgram[], say: (line: string) => void): Promise<void> {
  const names = programs.map(({ name }) => name).join(", ");
  if (findExecutable("apt-get") === undefined) {
    throw new Error(`could not install ${names}: this machine has no apt-get; install them by hand`);
  }
  const prefix = await rootPrefix();
  if (prefix === undefined) {
    const packages = await choosePackages(programs);
    throw new Error(
      `could not install ${names}: this needs root, and sudo gives it only with a password. Type\n\n` +
        `  sudo apt-get update && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${packages.join(" ")}\n\n` +
        "and run npm run services again",
    );
  }
  say("apt-get update (once)");
  await retry(names, () => runCommand(prefix[0] ?? "sh", [...prefix.slice(1), "-c", "apt-get update -q"]));
  const packages = await choosePackages(programs);
  say(`apt-get install --no-install-recommends ${packages.join(" ")}`);
  await retry(names, () =>
    runCommand(prefix[0] ?? "sh", [...prefix.slice(1), "-c", INSTALL_SCRIPT, "sh", ...packages]),
  );
  for (const { unit } of programs) {
    // On a machine with systemd the package also enables its daemon for the next boot.
    if (unit !== undefined && existsSync("/run/systemd/system")) {
      await runCommand(prefix[0] ?? "sh", [...prefix.slice(1), "-c", `systemctl disable --now ${unit} || true`]);
    }
  }
}

/**
 * A policy of 101 tells a package's scripts to start nothing. It is written only where there is none, and taken
 * away again whatever happens.
 */
const INSTALL_SCRIPT = `
set -u
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM
fi
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
`;

/** How to run a shell as root: directly, through sudo, or not at all. */
async function rootPrefix(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) {
    return ["sh"];
  }
  const sudo = findExecutable("sudo");
  if (sudo !== undefined && (await runCommand(sudo, ["-n", "true"])).code === 0) {
    return [sudo, "-n", "sh"];
  }
  return undefined;
}

async function choosePackages(programs: readonly SystemProgram[]): Promise<readonly string[]> {
  const chosen: string[] = [];
  for (const { packages } of programs) {
    let found: readonly string[] | undefined;
    for (const names of packages) {
      found ??= (await areOffered(names)) ? names : undefined;
    }
    chosen.push(...(found ?? packages[0] ?? []));
  }
  return chosen;
}

async function areOffered(names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    const { output } = await runCommand("apt-cache", ["policy", name]);
    if (!/^\s*Candidate: (?!\(none\))\S/m.test(output)) {
      return false;
    }
  }
  return true;
}

async function retry(what: string, run: () => Promise<{ code: number; output: string }>): Promise<void> {
  let output = "";
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const outcome = await run();
    if (outcome.code === 0) {
      return;
    }
    output = outcome.output;
    if (attempt < TRIES) {
      await sleep(PAUSE_MS);
    }
  }
  throw new Error(`could not install ${what}: ${TRIES} tries failed, the last one saying\n${lastLines(output, 8)}`);
}
