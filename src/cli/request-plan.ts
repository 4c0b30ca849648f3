import type { Clock } from "../base/clock.ts";
import type { RangeRequest } from "../domain/command.ts";
import { dayAt, SHANGHAI } from "../domain/day.ts";
import { parseFrequency, type Frequency } from "../domain/frequency.ts";
import { parseProviderName, type ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { RequestKind, RequestPlan } from "../app/app-api.ts";
import type { Cli } from "./cli.ts";
import { readCodeList } from "./read-codes.ts";
import { fromFlag, readDay } from "./read-days.ts";
import { UsageError } from "./usage-error.ts";

export const REQUEST_KINDS: readonly RequestKind[] = ["bars", "ticks", "factors", "stock-list", "calendar"];

/** The flags of `request` as they were typed. */
export interface RequestOptions {
  readonly kind: string;
  readonly codes?: string;
  readonly file?: string;
  readonly all?: boolean;
  readonly start?: string;
  readonly end?: string;
  readonly days?: string;
  readonly frequency: string;
  readonly full?: boolean;
  readonly force?: boolean;
  readonly provider?: string;
  readonly wait?: boolean;
}

/** Typed flags to a plan; UsageError says what does not fit together. */
export async function toRequestPlan(options: RequestOptions, cli: Cli, clock: Clock): Promise<RequestPlan> {
  const kind = REQUEST_KINDS.find((known) => known === options.kind);
  if (kind === undefined) {
    throw new UsageError(
      `expected one of ${REQUEST_KINDS.join(", ")} after --kind, got ${JSON.stringify(options.kind)}`,
    );
  }
  const { provider } = options;
  return {
    kind,
    codes: await readCodes(kind, options, cli),
    frequency: readFrequency(kind, options.frequency),
    range: readRange(kind, options, clock),
    force: options.force ?? false,
    provider: provider === undefined ? undefined : readProvider(provider),
    wait: options.wait ?? false,
  };
}

/** What the worker would only set aside is refused here, where somebody sees it. */
function readFrequency(kind: RequestKind, text: string): Frequency {
  if (kind !== "bars" && text !== "1d") {
    throw new UsageError(`--frequency is of bars: leave it out with --kind ${kind}`);
  }
  const frequency = fromFlag("--frequency", () => parseFrequency(text));
  if (frequency === "1w" || frequency === "1M") {
    throw new UsageError(
      `--frequency ${frequency} is not fetched: bring 1d up to date and read the view bar_${frequency}`,
    );
  }
  return frequency;
}

function readProvider(text: string): ProviderName {
  return fromFlag("--provider", () => parseProviderName(text));
}

async function readCodes(
  kind: RequestKind,
  { codes, file, all, provider }: RequestOptions,
  cli: Cli,
): Promise<readonly SecurityCode[] | "all"> {
  const isNamed = codes !== undefined || file !== undefined;
  if (kind === "stock-list" || kind === "calendar") {
    if (provider !== undefined) {
      throw new UsageError(`--kind ${kind} comes from the first of providers.chain that has it: leave --provider out`);
    }
    if (isNamed || all === true) {
      throw new UsageError(`--kind ${kind} is about the whole market: leave --codes, --file and --all out`);
    }
    return [];
  }
  if (isNamed === (all === true)) {
    throw new UsageError("say which securities: --codes, --file, both of them, or --all");
  }
  if (all === true) {
    return "all";
  }
  const named = readCodeList(codes ?? "", "--codes");
  const listed = file === undefined ? [] : readCodeList(await readText(file, cli), file);
  const both = [...new Set([...named, ...listed])];
  if (both.length === 0) {
    throw new UsageError(`there is no code in ${file ?? "--codes"}`);
  }
  return both;
}

async function readText(file: string, cli: Cli): Promise<string> {
  const text = file === "-" ? await cli.readStdin() : cli.readFile(file);
  if (text === undefined) {
    throw new UsageError(`there is no file ${file}, which --file names`);
  }
  return text;
}

/** As messages are read: an explicit first day beats `full`, which beats `days`. Here a contradiction is pointed out. */
function readRange(kind: RequestKind, options: RequestOptions, clock: Clock): RangeRequest {
  const given = ["start", "end", "days", "full"].filter((name) => Object.hasOwn(options, name));
  if ((kind === "stock-list" || kind === "calendar") && given.length > 0) {
    throw new UsageError(`--kind ${kind} has no range: leave --${given.join(" and --")} out`);
  }
  const beginnings = given.filter((name) => name !== "end");
  if (beginnings.length > 1) {
    throw new UsageError(`--${beginnings.join(" and --")} contradict each other: one of them says where to begin`);
  }
  const start = readDay("--start", options.start);
  const end = readDay("--end", options.end);
  if (start !== undefined && end !== undefined && start > end) {
    throw new UsageError(`--start ${start} lies after --end ${end}`);
  }
  const today = dayAt(clock.now(), SHANGHAI);
  for (const [flag, day] of [
    ["--start", start],
    ["--end", end],
  ] as const) {
    if (day !== undefined && day > today) {
      throw new UsageError(`${flag} ${day} lies in the future: today is ${today} in Shanghai`);
    }
  }
  return { full: options.full ?? false, start, end, days: readDays(options.days) };
}

function readDays(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  if (!/^[1-9]\d{0,4}$/.test(text)) {
    throw new UsageError(`expected a number of trading days from 1 to 99999 after --days, got ${JSON.stringify(text)}`);
  }
  return Number.parseInt(text, 10);
}
