import { markdownTable } from "../scripts/lib/markdown-table.ts";
import { buildPackage } from "./lib/worker/built-package.ts";
import { printLine } from "./lib/worker/figures.ts";
import { measureDrains, type DrainLine } from "./lib/service/drain.ts";
import { parseServiceOptions } from "./lib/service/options.ts";
import { measureReadable, type ReadableLine } from "./lib/service/readable.ts";
import { openServiceRig } from "./lib/service/service-rig.ts";
import { measureStarts, type StartLine } from "./lib/service/start.ts";
import { renderServiceTables } from "./lib/service/tables.ts";

type ServiceLine = StartLine | DrainLine | ReadableLine;

/**
 * The worker as a service, on a real broker, Redis and the engine behind HTTP, with a simulated provider: how long it takes
 * to be ready, to go, and to bring one bar. Every figure is checked, and one that is wrong makes the exit code 1.
 */
export async function benchService(args: readonly string[]): Promise<void> {
  const options = parseServiceOptions(args);
  say("building the worker");
  const program = await buildPackage();
  await using service = await openServiceRig(program, options);
  say(`on ${service.rig.engine} at ${service.servers.clickhouse}, Kafka at ${service.servers.kafka}`);
  const measures = { start: measureStarts, drain: measureDrains, readable: measureReadable };
  const lines: ServiceLine[] = [];
  for (const part of options.parts) {
    say(`measuring ${part}`);
    for await (const line of measures[part](service)) {
      lines.push(line);
      printLine(line);
    }
  }
  const tables = renderServiceTables(lines).map(({ head, rows }) => markdownTable(head, rows));
  process.stderr.write(`\n${tables.join("\n\n")}\n\n`);
  const faults = lines.flatMap(faultsOf);
  for (const fault of faults) {
    say(`*** WRONG: ${fault}`);
  }
  if (faults.length > 0) {
    process.exitCode = 1;
  } else {
    say("every figure checked: bars equal to the market's, no call repeated");
  }
}

function faultsOf(line: ServiceLine): readonly string[] {
  if (line.part === "start") {
    const times = [line.ms, line.loadedMs, line.openedMs, line.joinedMs, line.drainMs];
    return times.every((ms) => Number.isFinite(ms)) ? [] : [`start ${line.kind}, run ${line.run}: a moment is missing`];
  }
  if (line.part === "readable") {
    return line.isTrue ? [] : [`request ${line.request}: the bar is not the market's`];
  }
  const what = `drain ${line.kind}, run ${line.run}`;
  return [
    ...(line.inHand === 0 ? [`${what}: nothing was in hand`] : []),
    ...(line.repeated > 0 ? [`${what}: the next worker asked again for ${line.repeated} days`] : []),
    ...(line.different > 0 ? [`${what}: ${line.different} bars are not the market's`] : []),
  ];
}

function say(line: string): void {
  process.stderr.write(`bench service: ${line}\n`);
}
