import type { Command } from "commander";

import type { HandlingReport, LetterChoice } from "../../app/dead-letters/dead-letters-api.ts";
import { systemClock } from "../../base/clock.ts";
import { createRedactor } from "../../base/redact.ts";
import { nearest } from "../../config/nearest.ts";
import { DEAD_LETTER_REASONS } from "../../domain/dead-letter.ts";
import type { Cli } from "../cli.ts";
import { EXIT_CODES } from "../exit.ts";
import { describeDiscard, describeLetter, describeLetters, describeRedrive } from "../letter-text.ts";
import { readSince } from "../read-since.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { UsageError } from "../usage-error.ts";

const LIST_EXAMPLES = `
Examples:
  gdw dlq list
  gdw dlq list --reason unknown-code --since 7d
  gdw dlq list --all --json                  also what was redriven or discarded
  gdw dlq list --fail-if-any                 exit code 1 when there is one, for scripts`;

const SHOW_EXAMPLES = `
Examples:
  gdw dlq show 3/17                          the place is partition/offset, as dlq list prints it`;

const REDRIVE_EXAMPLES = `
Examples:
  gdw dlq redrive 3/17 3/18
  gdw dlq redrive --reason unknown-code --dry-run
  gdw dlq redrive --all

Each letter goes back to the topic it came from, with its key, value and headers, in the order it had there. It is
recorded as done with after the queue acknowledged it, so one may go twice when this command is killed; the worker
takes a repeated message for nothing new. A letter that came back three times, or is done with, needs --force. The exit
code is 1 when one was left.`;

const DISCARD_EXAMPLES = `
Examples:
  gdw dlq discard 3/17 --note "asked again with the right code"
  gdw dlq discard --reason not-json --yes
  gdw dlq discard --all --yes

The record stays in its topic; it is only listed no more. gdw dlq redrive --force still sends it.`;

const SHOWN_DEFAULT = 100;

interface ListOptions {
  readonly reason?: string;
  readonly code?: string;
  readonly since?: string;
  readonly all?: boolean;
  readonly limit: string;
  readonly failIfAny?: boolean;
  readonly json?: boolean;
}

interface ChoiceOptions {
  readonly reason?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

type RedriveFlags = ChoiceOptions & { readonly dryRun?: boolean; readonly force?: boolean };
type DiscardFlags = ChoiceOptions & { readonly yes?: boolean; readonly note?: string };

export function addDlq(parent: Command, cli: Cli, state: RunState): void {
  const dlq = parent.command("dlq").description("dead letters: messages that were set aside with a reason");
  addList(dlq, cli, state);
  addShow(dlq, cli, state);
  addRedrive(dlq, cli, state);
  addDiscard(dlq, cli, state);
}

function addList(dlq: Command, cli: Cli, state: RunState): void {
  addSettingFlags(dlq.command("list"))
    .description("list what is set aside, why, and what to do about it")
    .option("--reason <reason>", "only of this reason")
    .option("--code <code>", "only of this security")
    .option("--since <when>", "only set aside since then: 30m, 12h, 7d, a day or an instant")
    .option("--all", "also what was redriven or discarded")
    .option("--limit <count>", "lines of the table at most, the newest", String(SHOWN_DEFAULT))
    .option("--fail-if-any", "end with exit code 1 when one is listed")
    .option("--json", "print JSON")
    .addHelpText("after", LIST_EXAMPLES)
    .action(async (options: ListOptions, command: Command) => {
      const { since, all, code, failIfAny, json } = options;
      const reason = readReason(options.reason);
      const limit = readLimit(options.limit);
      const sinceMs = since === undefined ? undefined : readSince(since, systemClock.nowMs());
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const filter = { reason, code, sinceMs, withHandled: all === true };
        const list = await app.listDeadLetters(config, filter, log, shutdown.intake);
        print(cli, state, json === true ? toJson(list) : describeLetters(list, limit));
        state.exitCode = failIfAny === true && list.letters.length > 0 ? EXIT_CODES.defect.code : EXIT_CODES.ok.code;
      });
    });
}

function addShow(dlq: Command, cli: Cli, state: RunState): void {
  addSettingFlags(dlq.command("show"))
    .description("show one dead letter whole")
    .argument("<place>", "partition/offset, as dlq list prints it")
    .option("--json", "print JSON")
    .addHelpText("after", SHOW_EXAMPLES)
    .action(async (place: string, { json }: { readonly json?: boolean }, command: Command) => {
      requirePlaces([place]);
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const letter = await app.showDeadLetter(config, place, log, shutdown.intake);
        print(cli, state, json === true ? toJson(letter) : describeLetter(letter));
      });
    });
}

function addRedrive(dlq: Command, cli: Cli, state: RunState): void {
  addSettingFlags(dlq.command("redrive"))
    .description("send dead letters back to the topics they came from")
    .argument("[places...]", "partition/offset, as dlq list prints them")
    .option("--all", "all that are open")
    .option("--reason <reason>", "all that are open and of this reason")
    .option("--dry-run", "say what would be sent, and send nothing")
    .option("--force", "also what came back three times, or is done with")
    .option("--json", "print JSON")
    .addHelpText("after", REDRIVE_EXAMPLES)
    .action(async (places: readonly string[], options: RedriveFlags, command: Command) => {
      const choice = readChoice(places, options);
      const { dryRun: isDryRun = false, force: isForced = false, json } = options;
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        let last: HandlingReport | undefined;
        const options = { isDryRun, isForced };
        for await (const report of app.redriveDeadLetters(config, choice, options, log, shutdown.intake)) {
          if (last !== undefined && report.done > last.done && report.done < report.chosen) {
            cli.stderr.write(`redrove ${report.done} of ${report.chosen}\n`);
          }
          last = report;
        }
        if (last === undefined) {
          throw new RangeError("redriving ended without saying how it went");
        }
        print(cli, state, json === true ? toJson(last) : describeRedrive(last, isDryRun));
        state.exitCode = last.refused.length > 0 ? EXIT_CODES.defect.code : EXIT_CODES.ok.code;
      });
    });
}

function addDiscard(dlq: Command, cli: Cli, state: RunState): void {
  addSettingFlags(dlq.command("discard"))
    .description("record that dead letters are done with")
    .argument("[places...]", "partition/offset, as dlq list prints them")
    .option("--all", "all that are open; needs --yes")
    .option("--reason <reason>", "all that are open and of this reason; needs --yes")
    .option("--yes", "do it")
    .option("--note <words>", "why, kept with the record")
    .option("--json", "print JSON")
    .addHelpText("after", DISCARD_EXAMPLES)
    .action(async (places: readonly string[], options: DiscardFlags, command: Command) => {
      const choice = readChoice(places, options);
      if (choice.kind === "open" && options.yes !== true) {
        throw new UsageError("discarding many dead letters at once needs --yes; gdw dlq list shows which they are");
      }
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const report = await app.discardDeadLetters(config, choice, options.note ?? "", log, shutdown.intake);
        print(cli, state, options.json === true ? toJson(report) : describeDiscard(report));
      });
    });
}

/** A message may carry a secret of ours, so nothing of it is printed unseen. */
function print(cli: Cli, state: RunState, text: string): void {
  cli.stdout.write(createRedactor(state.secrets).text(text));
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function readChoice(places: readonly string[], { reason, all }: ChoiceOptions): LetterChoice {
  const ways = [places.length > 0, reason !== undefined, all === true].filter(Boolean).length;
  if (ways !== 1) {
    throw new UsageError(
      "name dead letters by place (gdw dlq list prints them), or with --reason, or with --all: one of the three",
    );
  }
  if (places.length > 0) {
    requirePlaces(places);
    return { kind: "places", places };
  }
  return { kind: "open", reason: readReason(reason) };
}

function requirePlaces(places: readonly string[]): void {
  const bad = places.find((place) => !/^\d{1,9}\/\d{1,18}$/.test(place));
  if (bad !== undefined) {
    throw new UsageError(`expected the place of a dead letter such as 3/17 (partition/offset), got ${bad}`);
  }
}

function readReason(text: string | undefined): string | undefined {
  if (text !== undefined && !Object.hasOwn(DEAD_LETTER_REASONS, text)) {
    const meant = nearest(text, Object.keys(DEAD_LETTER_REASONS));
    const hint =
      meant === undefined ? `one of ${Object.keys(DEAD_LETTER_REASONS).join(", ")}` : `did you mean ${meant}?`;
    throw new UsageError(`--reason: no dead letter has the reason ${text}, ${hint}`);
  }
  return text;
}

function readLimit(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new UsageError(`--limit: expected a whole number from 1 to 999999, got ${text}`);
  }
  return Number.parseInt(text, 10);
}
