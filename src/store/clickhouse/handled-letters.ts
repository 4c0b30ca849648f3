import { LETTER_ACTIONS, type HandledLetter, type HandledLetters, type LetterAction } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier } from "./quote.ts";
import { DEAD_LETTER_ROW, insertColumns } from "./tables.ts";
import { utcText } from "./utc-text.ts";

const COLUMNS = insertColumns(DEAD_LETTER_ROW);

/** What was done with dead letters, in `dead_letter_row`. Reading works before the table was made: nothing was done yet. */
export function openClickHouseHandledLetters(clickhouse: ClickHouse): HandledLetters {
  return {
    record: async (handled, signal) => {
      if (handled.length > 0) {
        const lines = handled.map(encode);
        const encoded = {
          format: "JSONCompactEachRow",
          body: `${lines.join("\n")}\n`,
          rows: handled.length,
        } as const;
        await clickhouse.insertEncoded(DEAD_LETTER_ROW.name, COLUMNS, encoded, signal);
      }
    },
    of: async (topic, signal) => {
      if (!(await hasTable(clickhouse, signal))) {
        return [];
      }
      const rows = await clickhouse.query<Row>(
        `SELECT topic, partition, toString(offset) AS place, fingerprint, action,
  toString(toUnixTimestamp64Milli(at)) AS at_ms, note
FROM ${quoteIdentifier(clickhouse.database)}.${DEAD_LETTER_ROW.name} FINAL
WHERE topic = {topic:String} ORDER BY partition, offset`,
        { topic },
        signal,
      );
      return rows.map(decode);
    },
  };
}

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly place: string;
  readonly fingerprint: string;
  readonly action: string;
  readonly at_ms: string;
  readonly note: string;
}

async function hasTable(clickhouse: ClickHouse, signal: AbortSignal): Promise<boolean> {
  const tables = await clickhouse.query(
    "SELECT name FROM system.tables WHERE database = {database:String} AND name = {name:String}",
    { database: clickhouse.database, name: DEAD_LETTER_ROW.name },
    signal,
  );
  return tables.length > 0;
}

function encode({ message, action, atMs, note }: HandledLetter): string {
  const { topic, partition, offset, fingerprint } = message;
  const at = Math.trunc(atMs);
  return JSON.stringify([topic, partition, offset.toString(), fingerprint, action, utcText(at), note, String(at)]);
}

function decode({ topic, partition, place, fingerprint, action, at_ms, note }: Row): HandledLetter {
  return {
    message: { topic, partition, offset: BigInt(place), fingerprint },
    action: parseAction(action),
    atMs: parseInt(at_ms, 10),
    note,
  };
}

function parseAction(text: string): LetterAction {
  const action = LETTER_ACTIONS.find((known) => known === text);
  if (action === undefined) {
    throw new TypeError(`reading what was done with dead letters: unknown action ${text}`);
  }
  return action;
}
