import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import type { RecordedAnswer, RecordedKey } from "./recorded-answer.ts";
import type { YahooData } from "./yahoo-data.ts";

/** One file of a recording: a request and its answer. */
const fileSchema = z.object({
  request: z.object({ url: z.url() }),
  response: z.object({
    status: z.int(),
    headers: z.record(z.string(), z.string()),
    bodyJson: z.unknown().optional(),
    body: z.string().optional(),
  }),
});

export type RecordedFile = z.input<typeof fileSchema>;

/**
 * Serves recorded answers with their status and headers to requests for the same symbol with the same parameters, in any
 * order and with or without those that change nothing. Whatever was not recorded is an unknown symbol.
 */
export function yahooRecording(files: readonly unknown[]): YahooData {
  const answers = new Map<string, RecordedAnswer>();
  const symbols = new Set<string>();
  for (const file of files) {
    const { request, response } = fileSchema.parse(file);
    const url = new URL(request.url);
    const symbol = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf("/") + 1)).toUpperCase();
    symbols.add(symbol);
    answers.set(keyOf({ symbol, query: url.searchParams }), {
      status: response.status,
      headers: Object.fromEntries(Object.entries(response.headers).filter(([name]) => !PER_MESSAGE.has(name))),
      body: response.body ?? JSON.stringify(response.bodyJson),
    });
  }
  return {
    symbols: [...symbols].toSorted(),
    firstDay: undefined,
    lastDay: undefined,
    listing: () => undefined,
    recorded: (key) => answers.get(keyOf(key)),
  };
}

/** Reads every `.json` of a folder. */
export async function readRecording(folder: string): Promise<YahooData> {
  const names = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith(".json")) : [];
  if (names.length === 0) {
    throw new RangeError(`reading a recording: ${folder} has no .json file`);
  }
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return yahooRecording(texts.map((text): unknown => JSON.parse(text)));
}

/** True of one message and its way only; written anew for each. */
const PER_MESSAGE: ReadonlySet<string> = new Set([
  "content-length",
  "content-encoding",
  "transfer-encoding",
  "connection",
]);
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  "corsDomain",
  "crumb",
  "includeAdjustedClose",
  "lang",
  "region",
  "useYfid",
]);

function keyOf({ symbol, query }: RecordedKey): string {
  const told = [...query]
    .filter(([name]) => !WITHOUT_EFFECT.has(name))
    .map(([name, value]) => `${name}=${name === "events" ? eventsOf(value) : value}`)
    .toSorted();
  return [symbol, ...told].join(" ");
}

/** `div,splits` and `split|div` ask for the same; `earn` never brought anything. */
function eventsOf(text: string): string {
  const names = text.split(/[,|]/).map((name) => name.replace(/s$/, ""));
  return names
    .filter((name) => name === "div" || name === "split")
    .toSorted()
    .join(",");
}
