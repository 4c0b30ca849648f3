import { NAMED_SETTINGS, type NamedSetting } from "../../src/config/names.ts";
import { EXIT_CODES } from "../../src/cli/exit.ts";
import type { Declared } from "../../src/health/metrics/declare.ts";
import { METRICS, PROCESS_METRICS } from "../../src/health/metrics/table.ts";
import { DEAD_LETTER_REASONS } from "../../src/domain/dead-letter.ts";
import { COVERED_STATES, LEDGER_STATES } from "../../src/domain/ledger.ts";
import { OUTCOMES } from "../../src/domain/outcome.ts";
import { WIRE_COMMANDS } from "../../src/domain/parse-message.ts";
import { BAR_FLAGS, REJECT_REASONS, TICK_FLAGS } from "../../src/domain/rows.ts";
import { COMMAND_WORDS, FLAG_WORDS, LEDGER_WORDS, OUTCOME_WORDS, REJECT_WORDS, TICK_FLAG_WORDS } from "./doc-words.ts";
import { code, markdownTable } from "./markdown-table.ts";

/** The generated parts of docs/specification.md by name. */
export function specificationParts(): ReadonlyMap<string, string> {
  return new Map([
    ["wire-commands", wireCommands()],
    ["dead-letter-reasons", twoColumns("Reason", "Meaning", Object.entries(DEAD_LETTER_REASONS))],
    [
      "outcomes",
      twoColumns(
        "Outcome",
        "Meaning",
        OUTCOMES.map((word) => [word, OUTCOME_WORDS[word]]),
      ),
    ],
    ["ledger-states", ledgerStates()],
    [
      "reject-reasons",
      twoColumns(
        "Reason",
        "Meaning",
        REJECT_REASONS.map((word) => [word, REJECT_WORDS[word]]),
      ),
    ],
    ["flags", flags(BAR_FLAGS, FLAG_WORDS)],
    ["tick-flags", flags(TICK_FLAGS, TICK_FLAG_WORDS)],
    ["exit-codes", exitCodes()],
    ["setting-groups", settingGroups()],
  ]);
}

/** The generated parts of docs/configuration.md by name: a table of settings for each group. */
export function configurationParts(): ReadonlyMap<string, string> {
  return new Map([
    [
      "settings",
      groupsOf(NAMED_SETTINGS)
        .map(([group, settings]) => groupSection(group, settings))
        .join("\n\n"),
    ],
  ]);
}

/** The generated parts of docs/metrics.md by name. */
export function metricsParts(): ReadonlyMap<string, string> {
  return new Map([
    ["metrics", metricsTable(Object.values(METRICS))],
    ["process-metrics", metricsTable(Object.values(PROCESS_METRICS))],
  ]);
}

function metricsTable(metrics: readonly Pick<Declared<unknown>, "name" | "kind" | "labels" | "help">[]): string {
  const rows = metrics.map(({ name, kind, labels, help }) => [code(name), kind, labels.map(code).join(", "), help]);
  return markdownTable(["Name", "Kind", "Labels", "Meaning"], rows);
}

function groupSection(group: string, settings: readonly NamedSetting[]): string {
  const rows = settings.map(({ name, flag, variables, setting }) => [
    code(name),
    variablesOf({ name, flag, variables, setting }),
    code(flag),
    setting.expected,
    setting.defaultText === "" ? "" : setting.defaultText,
    `${setting.help}${setting.isSecret ? " (secret)" : ""}`,
  ]);
  return `### ${group}\n\n${markdownTable(["Name in the file", "Variables", "Flag", "Takes", "Default", "Meaning"], rows)}`;
}

function variablesOf({ variables, setting }: NamedSetting): string {
  const pair = setting.hostAndPort;
  const names = variables.flatMap((name) => (setting.isSecret ? [code(name), code(`${name}_FILE`)] : [code(name)]));
  return [...names, ...(pair === undefined ? [] : [`${code(pair.host)} with ${code(pair.port)}`])].join(", ");
}

function groupsOf(settings: readonly NamedSetting[]): readonly (readonly [string, readonly NamedSetting[]])[] {
  const groups = Map.groupBy(settings, ({ name }) =>
    name.includes(".") ? name.slice(0, name.indexOf(".")) : "general",
  );
  return [...groups];
}

function settingGroups(): string {
  const rows = groupsOf(NAMED_SETTINGS).map(([group, settings]) => [
    code(group),
    settings.map(({ name }) => code(name.slice(name.indexOf(".") + 1))).join(", "),
  ]);
  return markdownTable(["Group", "Settings"], rows);
}

function wireCommands(): string {
  const rows = Object.entries(WIRE_COMMANDS).map(([word, kind]) => [code(word), code(kind), COMMAND_WORDS[kind]]);
  return markdownTable(["On the wire", "Inside", "Meaning"], rows);
}

function ledgerStates(): string {
  const rows = LEDGER_STATES.map((state) => [
    code(state),
    COVERED_STATES.has(state) ? "no" : "yes",
    LEDGER_WORDS[state],
  ]);
  return markdownTable(["State", "Asked for again", "Meaning"], rows);
}

function flags<Name extends string>(
  bits: Readonly<Record<Name, number>>,
  words: Readonly<Record<Name, string>>,
): string {
  const meanings = new Map(Object.entries<string>(words));
  const rows = Object.entries<number>(bits).map(([name, bit]) => [String(bit), code(name), meanings.get(name) ?? ""]);
  return markdownTable(["Bit", "Name", "Meaning"], rows);
}

function exitCodes(): string {
  return markdownTable(
    ["Code", "Meaning"],
    Object.values(EXIT_CODES).map(({ code, means }) => [String(code), means]),
  );
}

function twoColumns(left: string, right: string, rows: readonly (readonly [string, string])[]): string {
  return markdownTable(
    [left, right],
    rows.map(([word, meaning]) => [code(word), meaning]),
  );
}
