import type { Outcomes } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import {
  encodeOutcomes,
  OUTCOME_INSERT_COLUMNS,
  parseOutcome,
  selectOutcomes,
  type OutcomeSelectRow,
} from "./outcome-rows.ts";
import { quoteIdentifier } from "./quote.ts";
import { OUTCOME_ROW } from "./tables.ts";

/** Outcomes of one partition that a restart reads at most: more than a worker ever holds beyond its commit. */
export const SETTLED_MAX = 1_000_000;

/** Outcome records in `outcome_row`, kept for 90 days. A message recorded twice keeps the later record. */
export function openClickHouseOutcomes(clickhouse: ClickHouse): Outcomes {
  const table = `${quoteIdentifier(clickhouse.database)}.${OUTCOME_ROW.name}`;
  return {
    record: async (records, signal) => {
      if (records.length > 0) {
        await clickhouse.insertEncoded(OUTCOME_ROW.name, OUTCOME_INSERT_COLUMNS, encodeOutcomes(records), signal);
      }
    },
    settledFrom: async (topic, partition, fromOffset, signal) => {
      // Several groups, and topics of one name made one after another, settle a message each at one offset.
      const rows = await clickhouse.query<{ readonly at: string; readonly prints: readonly string[] }>(
        `SELECT toString(offset) AS at, groupUniqArray(fingerprint) AS prints FROM ${table}
WHERE topic = {topic:String} AND partition = {partition:Int32} AND offset >= {fromOffset:Int64}
GROUP BY offset ORDER BY offset LIMIT ${SETTLED_MAX}`,
        { topic, partition, fromOffset: fromOffset.toString() },
        signal,
      );
      return new Map(rows.map(({ at, prints }) => [BigInt(at), new Set(prints)]));
    },
    byRequest: async (requestId, signal) => {
      const sql = `${selectOutcomes(clickhouse.database)} WHERE request_id = {requestId:String}
ORDER BY topic, partition, offset, version`;
      const rows = await clickhouse.query<OutcomeSelectRow>(sql, { requestId }, signal);
      return rows.map(parseOutcome);
    },
  };
}
