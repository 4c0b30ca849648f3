import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import test from "node:test";

const SRC = join(import.meta.dirname, "../src");

/** What each room may import from, besides itself. Imports point inward; adapters never import one another. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  domain: ["base"],
  ports: ["domain", "base"],
  planning: ["ports", "domain", "base"],
  schedule: ["planning", "ports", "domain", "base"],
  consumer: ["base"],
  worker: ["planning", "consumer", "ports", "domain", "base"],
  sources: ["ports", "domain", "base"],
  limits: ["ports", "domain", "base"],
  queue: ["ports", "domain", "base"],
  store: ["ports", "domain", "base"],
  health: ["ports", "domain", "base"],
  market: ["domain", "base"],
  simulators: ["market", "domain", "base"],
  config: ["domain", "base"],
  app: [
    "worker",
    "planning",
    "schedule",
    "consumer",
    "sources",
    "limits",
    "queue",
    "store",
    "health",
    "ports",
    "config",
    "domain",
    "base",
  ],
  cli: ["app", "config", "domain", "base"],
  library: ["app", "health", "config", "base"],
};

/** Libraries that only their own room may know. */
const OWNED_LIBRARIES: Readonly<Record<string, string>> = {
  "@platformatic/kafka": "queue",
  "@clickhouse/client": "store",
  chdb: "store",
  mysql2: "store",
  redis: "limits",
  undici: "sources",
  commander: "cli",
  yaml: "config",
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly room: string;
  /** Loaded only when it is asked for, or only its types. */
  readonly isLazy: boolean;
}

test("every room imports inward only", () => {
  const wrong = imports()
    .filter(({ from }) => from.startsWith("."))
    .map((found) => ({ ...found, target: roomOf(relative(SRC, resolve(SRC, dirname(found.file), found.from))) }))
    .filter(({ room, target }) => room !== target && !(MAY_IMPORT[room] ?? []).includes(target))
    // The simulators are left out of the image, so the command line loads them only when they are asked for.
    .filter(({ room, target, isLazy }) => !(isLazy && room === "cli" && target === "simulators"));
  assert.deepEqual(wrong, []);
});

test("a room that imports is one that this page knows", () => {
  assert.deepEqual(
    [...new Set(imports().map(({ room }) => room))].filter((room) => !Object.hasOwn(MAY_IMPORT, room)),
    [],
  );
});

test("a foreign system's library is known to one room only", () => {
  const wrong = imports().filter(({ from, room }) => {
    const owner = Object.entries(OWNED_LIBRARIES).find(
      ([library]) => from === library || from.startsWith(`${library}/`),
    );
    return owner !== undefined && owner[1] !== room;
  });
  assert.deepEqual(wrong, []);
});

test("no text of the code passes a number through a float on its way from provider to table", () => {
  const exact = sourceFiles().filter(
    (file) => /^(?:sources\/[^/]+\/mapping\.ts|store\/)/.test(file) && !file.includes(".test."),
  );
  assert.ok(exact.length > 5);
  const wrong = exact.filter((file) => /\bNumber\(|\bparseFloat\b|\bNumber\.parseFloat\b/.test(read(file)));
  assert.deepEqual(wrong, []);
});

/** `import("x")`, and `import type … from "x"` or `import … from "x"` over any number of lines. */
const IMPORT = /(?:\b(import)\(|\b(?:import|export)\s+(type\s+)?(?:[^"';()]*?\sfrom\s+)?)"([^"]+)"/g;

function imports(): readonly Import[] {
  return sourceFiles()
    .filter((file) => !/\.(?:test|integration)\.ts$/.test(file))
    .flatMap((file) =>
      [...read(file).matchAll(IMPORT)].map((match) => ({
        file,
        from: match[3] ?? "",
        room: roomOf(file),
        isLazy: match[1] !== undefined || match[2] !== undefined,
      })),
    );
}

/** The folder, or for a file that stands by itself (`app.ts`, `config.ts`) its own name. */
function roomOf(file: string): string {
  return (file.split("/")[0] ?? "").replace(/\.ts$/, "");
}

function sourceFiles(): readonly string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
}

function read(file: string): string {
  return readFileSync(join(SRC, file), "utf8");
}
