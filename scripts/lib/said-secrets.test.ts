import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import test from "node:test";
import { promisify } from "node:util";

import { plantedSecrets, saidVariables } from "../../test/support/planted-secrets.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { projectFolder } from "./project.ts";
import { tellSecrets } from "./said-secrets.ts";

const run = promisify(execFile);

/** Runs a script as a test file would run, with its copies in a folder of their own; then searches that folder. */
async function tell(script: string): Promise<{ readonly isSilent: boolean; readonly lines: readonly string[] }> {
  await using folder = await temporaryFolder();
  const said = path.join(folder.path, "said");
  const support = path.join(projectFolder, "test", "support");
  const head = `import { alsoPlanted, keepSaid, plantSecret } from ${JSON.stringify(`${support}/planted-secrets.ts`)};`;
  const env = { ...process.env, ...saidVariables(said) };
  await run(process.execPath, ["--input-type=module", "-e", `${head}\n${script}`], { env });
  const lines: string[] = [];
  const isSilent = tellSecrets(said, plantedSecrets(said), (line) => lines.push(line));
  return { isSilent, lines };
}

test("a planted secret that the program said fails the run, and names file and line but not the secret", async () => {
  const { isSilent, lines } = await tell(`keepSaid("log", "one\\ntwo " + plantSecret() + "\\nthree");`);
  assert.equal(isSilent, false);
  assert.match(lines[0] ?? "", /^A SECRET WAS SAID: log\.\d+\.log line 2, written plain$/);
  assert.match(lines.at(-1) ?? "", /^secrets: 1 hits of \d+ secrets in \d+ bytes of 1 files/);
});

test("so does one inside Basic authentication, the beginning of one, a line of a key and a secret of a worker's own", async () => {
  for (const said of [
    `"authorization: Basic " + btoa("user:" + plantSecret())`,
    `"got " + plantSecret().slice(0, 16) + "…"`,
    `(alsoPlanted("MIGHAgEAMBMGByqGSM49"), "key: MIGHAgEAMBMGByqGSM49")`,
    `"token gdwsecret_" + "x".repeat(32)`,
  ]) {
    assert.equal((await tell(`keepSaid("log", ${said});`)).isSilent, false, said);
  }
});

test("words without a secret pass, and no words at all do not", async () => {
  assert.equal((await tell(`plantSecret(); keepSaid("log", "all is well");`)).isSilent, true);
  assert.equal((await tell(``)).isSilent, false);
});
