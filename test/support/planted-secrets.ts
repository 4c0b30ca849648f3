import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { SECRET_PREFIX } from "../../src/base/make-secret.ts";

/**
 * Secrets that tests give to the program, and a copy of what the program said. `npm test` names a folder for the copies
 * and searches it at the end: no secret may be in it. A test file that is run by itself keeps no copy.
 */
const FOLDER_VARIABLE = "GINKGO_TEST_SAID";

/** Stands in every planted secret, early, so that an excerpt of one is found too. */
const MARK = "pL4nTeD5eCrEt";

/** Characters that addresses, forms and JSON write otherwise. */
export const AWKWARD = `/+%&="`;

/** A password, token or the like that no other test has. */
export function plantSecret(ending = ""): string {
  return `${MARK}${randomBytes(8).toString("hex")}${ending}`;
}

/** A secret that was not made by `plantSecret`, such as a line of a private key. */
export function alsoPlanted(secret: string): void {
  const folder = process.env[FOLDER_VARIABLE];
  if (folder !== undefined) {
    appendFileSync(`${folder}.secrets`, `${JSON.stringify(secret)}\n`);
  }
}

/** The body of a private key without its first line, which all keys of a kind begin with. */
export function alsoPlantedKey(pem: string): void {
  const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  for (const line of lines.slice(1)) {
    alsoPlanted(line);
  }
}

/** Keeps a copy of what the program said. */
export function keepSaid(by: string, text: string): void {
  const folder = process.env[FOLDER_VARIABLE];
  if (folder !== undefined && text !== "") {
    appendFileSync(path.join(folder, `${by}.${process.pid}.log`), text.endsWith("\n") ? text : `${text}\n`);
  }
}

/** True while copies are kept. */
export function isSaidKept(): boolean {
  return process.env[FOLDER_VARIABLE] !== undefined;
}

/** What the runner hands to the tests, and what it looks for at the end. */
export function saidVariables(folder: string): Readonly<Record<string, string>> {
  mkdirSync(folder, { recursive: true });
  return { [FOLDER_VARIABLE]: folder };
}

export function plantedSecrets(folder: string): readonly string[] {
  let text = "";
  try {
    text = readFileSync(`${folder}.secrets`, "utf8");
  } catch {
    // No test planted one of its own.
  }
  const own = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => String(JSON.parse(line)));
  return [...new Set([MARK, SECRET_PREFIX, ...own])];
}
