import { parseArgs } from "node:util";

import { openMutantFolder, readMutants, tryMutant, type Mutant } from "./lib/mutants.ts";
import { openSuite } from "./lib/test-suite.ts";

/**
 * `npm run mutants [-- names…]`: takes one guard away at a time, in a copy of the project, and says whether its test
 * notices. `--full` also tries those whose test needs the full size, `--skip-control` does not first run the test with
 * the guard in place. Ends with 1 when a mutant lives.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { full: { type: "boolean", default: false }, "skip-control": { type: "boolean", default: false } },
});

function choose(all: readonly Mutant[]): readonly Mutant[] {
  if (positionals.length > 0) {
    const unknown = positionals.filter((name) => !all.some((mutant) => mutant.name === name));
    if (unknown.length > 0) {
      throw new Error(`no mutant is named ${unknown.join(", ")}; there are ${all.map(({ name }) => name).join(", ")}`);
    }
    return all.filter(({ name }) => positionals.includes(name));
  }
  return all.filter(({ isFull }) => values.full || !isFull);
}

async function main(): Promise<number> {
  const all = readMutants();
  const mutants = choose(all);
  const needsServices = mutants.some(({ test }) => test.endsWith(".integration.ts"));
  await using suite = needsServices ? await openSuite() : undefined;
  await using folder = await openMutantFolder();
  let caught = 0;
  for (const mutant of mutants) {
    const run = {
      variables: suite?.variables ?? {},
      hasControl: !values["skip-control"],
      isFull: mutant.isFull,
    };
    const verdict = await tryMutant(mutant, run, folder);
    caught += verdict.kind === "caught" ? 1 : 0;
    say(
      `${verdict.kind === "caught" ? "caught    " : verdict.kind === "broken" ? "BROKEN    " : "NOT CAUGHT"} ${mutant.name}: ${mutant.says}`,
    );
    say(verdict.kind === "caught" ? `           by ${mutant.test}, ${verdict.ms} ms` : `           ${verdict.why}`);
  }
  const left = all.length - mutants.length;
  say(`${caught} of ${mutants.length} mutants caught${left > 0 ? `, ${left} not tried` : ""}`);
  return caught === mutants.length ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`mutants: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
