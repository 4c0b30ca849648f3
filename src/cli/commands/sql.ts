import type { Command } from "commander";

import type { SqlFormat } from "../../app/app-api.ts";
import type { Cli } from "../cli.ts";
import { oneOf, withDataOutput } from "../data-output.ts";
import { readLines } from "../read-lines.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { renderTable } from "../table.ts";

const EXAMPLES = `
Examples:
  gdw sql "SELECT code, count() FROM ginkgo.bar GROUP BY code"
  gdw sql "SHOW TABLES FROM ginkgo"
  gdw sql - --format csv < query.sql > rows.csv

Runs one statement that reads, on the server, in the running worker's engine, or on the embedded folder. What would
write is refused. docs/reading.md has queries to begin with.`;

const FORMATS = ["table", "csv", "json"] as const;
const ENGINE_FORMATS: Readonly<Record<(typeof FORMATS)[number], SqlFormat>> = {
  table: "rows",
  csv: "csv",
  json: "json",
};
/** A table is for eyes; more rows are for a file. */
const ROWS_SHOWN_MAX = 1000;

export function addSql(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("sql"))
    .description("run one SQL statement that only reads")
    .argument("<statement>", "the statement; - takes it from standard input")
    .option("--format <format>", `one of ${FORMATS.join(", ")}`, "table")
    .option("--output <file>", "write into this file instead of standard output")
    .addHelpText("after", EXAMPLES)
    .action(async (typed: string, options: { readonly format: string; readonly output?: string }, command: Command) => {
      const format = oneOf("--format", options.format, FORMATS);
      const statement = typed === "-" ? await cli.readStdin() : typed;
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const pieces = app.sql(config, statement, ENGINE_FORMATS[format], log, shutdown.intake);
        const hidden = await withDataOutput(cli, options.output, async (output) => {
          switch (format) {
            case "table":
              return await writeTable(pieces, (text) => output.write(text));
            case "json":
              return await writeJson(pieces, (text) => output.write(text));
            case "csv":
              for await (const piece of pieces) {
                await output.write(piece);
              }
              return 0;
          }
        });
        if (hidden > 0) {
          cli.stderr.write(
            `gdw: the first ${ROWS_SHOWN_MAX} rows are shown and ${hidden} are not: --format csv has all\n`,
          );
        }
      });
    });
}

type Write = (text: string) => Promise<void>;

/** How many rows were left out. */
async function writeTable(pieces: AsyncIterable<Uint8Array>, write: Write): Promise<number> {
  const shown: (readonly unknown[])[] = [];
  let hidden = 0;
  for await (const line of readLines(pieces)) {
    if (shown.length < ROWS_SHOWN_MAX + 2) {
      shown.push(parseRow(line));
    } else {
      hidden += 1;
    }
  }
  const [names = [], types = [], ...rows] = shown;
  const head = names.map(cellText);
  const right = head.filter((_, column) => /\b(?:U?Int\d|Float|BFloat|Decimal)/.test(cellText(types[column])));
  if (head.length > 0) {
    await write(
      renderTable(
        head,
        rows.map((row) => row.map(cellText)),
        new Set(right),
      ),
    );
  }
  return hidden;
}

/** The engine's lines as one array, each as the engine wrote it. */
async function writeJson(pieces: AsyncIterable<Uint8Array>, write: Write): Promise<number> {
  let rows = 0;
  for await (const line of readLines(pieces)) {
    await write(`${rows === 0 ? "[\n" : ",\n"}${line}`);
    rows += 1;
  }
  await write(rows === 0 ? "[]\n" : "\n]\n");
  return 0;
}

function parseRow(line: string): readonly unknown[] {
  const row: unknown = JSON.parse(line);
  if (!Array.isArray(row)) {
    throw new TypeError("reading the engine's answer: a line is no array");
  }
  return row;
}

/** Line ends and other controls would tear the table. */
function cellText(cell: unknown): string {
  const text = cell === null || cell === undefined ? "" : typeof cell === "string" ? cell : JSON.stringify(cell);
  return text.replaceAll(/\p{Cc}/gu, " ");
}
