import { parseDay, type Day } from "../../domain/day.ts";
import type { SourceNumber } from "../../domain/enums.ts";
import { FREQUENCY_NUMBERS, isIntraday, type Frequency } from "../../domain/frequency.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import { BAR_CELLS, type CellName, type StoredPair, type StoredSide } from "../../ports/stored-pair.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { ADJUSTFACTOR_ROW, BAR_ROW, FETCHED_VERSION_MIN } from "./tables.ts";

export interface PairsRequest {
  readonly dataSet: "bars" | "adjustment-factors";
  readonly frequency: Frequency;
  /** Left and right: the numbers that a provider's rows have, of which the first one that has a row counts. */
  readonly sources: readonly [readonly SourceNumber[], readonly SourceNumber[]];
  /** `all`: every code of which one of the two has a row. */
  readonly codes: readonly SecurityCode[] | "all";
  /** Trading days, both inclusive; undefined is without bound. */
  readonly from: Day | undefined;
  readonly to: Day | undefined;
}

/** A part of the answer, with how far it brought it. */
export interface PairsRead {
  /** By code and time. A code that has more rows than a question answers goes on in the next part. */
  readonly pairs: readonly StoredPair[];
  readonly codesDone: number;
  readonly codes: number;
}

/** Rows of one question, and so of what is held in memory at a time. */
export const PAIR_ROWS_MAX = 40_000;
/** Codes of one question, whose text a server reads only so much of. */
const CODES_MAX = 250;

/**
 * What two sources say of each bar or factor, all codes one after the other. One question for each batch of codes, or for
 * some months of a code that has many rows. The newest version of a row counts.
 */
export async function* readPairs(
  clickhouse: ClickHouse,
  request: PairsRequest,
  signal: AbortSignal,
): AsyncIterable<PairsRead> {
  const counts = await countRows(clickhouse, request, signal);
  let codesDone = 0;
  for (const batch of pack(counts, PAIR_ROWS_MAX, CODES_MAX)) {
    const codes = batch.map(({ name }) => name);
    const [only] = batch;
    const isLarge = batch.length === 1 && only !== undefined && only.rows > PAIR_ROWS_MAX;
    const parts = isLarge ? await splitByMonths(clickhouse, request, only.name, signal) : [undefined];
    for (const [index, part] of parts.entries()) {
      const pairs = await readPart(clickhouse, { ...request, codes }, part, signal);
      codesDone += index === parts.length - 1 ? batch.length : 0;
      yield { pairs, codesDone, codes: counts.length };
    }
  }
}

interface Counted<Name extends string> {
  readonly name: Name;
  /** Versions that are not merged yet count as well. */
  readonly rows: number;
}

interface Part {
  readonly from: Day;
  readonly to: Day;
}

async function countRows(
  clickhouse: ClickHouse,
  request: PairsRequest,
  signal: AbortSignal,
): Promise<readonly Counted<SecurityCode>[]> {
  const codes = request.codes === "all" ? [undefined] : slices(request.codes.toSorted(), CODES_MAX);
  const counted: Counted<SecurityCode>[] = [];
  for (const some of codes) {
    const rows = await clickhouse.query<{ readonly name: string; readonly rows: string }>(
      `SELECT toString(code) AS name, toString(count()) AS rows FROM ${tableOf(clickhouse, request)}
WHERE ${conditions(request)}${some === undefined ? "" : ` AND code IN (${some.map(quoteString).join(", ")})`}
GROUP BY code ORDER BY name`,
      {},
      signal,
    );
    counted.push(
      ...rows.map(({ name, rows: count }) => ({ name: parseSecurityCode(name), rows: parseInt(count, 10) })),
    );
  }
  return counted;
}

async function splitByMonths(
  clickhouse: ClickHouse,
  request: PairsRequest,
  code: SecurityCode,
  signal: AbortSignal,
): Promise<readonly Part[]> {
  const rows = await clickhouse.query<{ readonly from: string; readonly to: string; readonly rows: string }>(
    `SELECT toString(min(trading_day)) AS from, toString(max(trading_day)) AS to, toString(count()) AS rows
FROM ${tableOf(clickhouse, request)} WHERE ${conditions(request)} AND code = ${quoteString(code)}
GROUP BY toStartOfMonth(trading_day) ORDER BY from`,
    {},
    signal,
  );
  const months = rows.map(({ from, to, rows: count }) => ({
    name: from,
    rows: parseInt(count, 10),
    from: parseDay(from),
    to: parseDay(to),
  }));
  return pack(months, PAIR_ROWS_MAX, months.length).flatMap((group) => {
    const [first, last] = [group[0], group.at(-1)];
    return first === undefined || last === undefined ? [] : [{ from: first.from, to: last.to }];
  });
}

/** Neighbours together, up to so many rows and so many of them; one alone may have more rows. */
function pack<One extends Counted<string>>(
  all: readonly One[],
  rowsMax: number,
  countMax: number,
): readonly (readonly One[])[] {
  const batches: One[][] = [];
  let rows = 0;
  for (const one of all) {
    const batch = batches.at(-1);
    if (batch === undefined || rows + one.rows > rowsMax || batch.length >= countMax) {
      batches.push([one]);
      rows = one.rows;
    } else {
      batch.push(one);
      rows += one.rows;
    }
  }
  return batches;
}

type StoredRow = Readonly<
  Record<CellName | "code" | "day" | "time" | "key" | "fetched" | "call" | "request", string>
> & {
  readonly source: number;
};

async function readPart(
  clickhouse: ClickHouse,
  request: PairsRequest & { readonly codes: readonly SecurityCode[] },
  part: Part | undefined,
  signal: AbortSignal,
): Promise<readonly StoredPair[]> {
  const days = part === undefined ? "" : ` AND trading_day BETWEEN '${part.from}' AND '${part.to}'`;
  const rows = await clickhouse.query<StoredRow>(
    `SELECT toString(row.code) AS code, toString(row.trading_day) AS day, ${timeOf(request)} AS time,
  toUnixTimestamp(row.timestamp) AS key, row.source AS source, ${cellsOf(request)},
  if(row.version < ${FETCHED_VERSION_MIN}, '', substring(toString(fromUnixTimestamp64Micro(toInt64(row.version), 'UTC')), 1, 19)) AS fetched,
  row.call_id AS call, row.request_id AS request
FROM ${tableOf(clickhouse, request)} AS row FINAL
WHERE ${conditions(request)} AND row.code IN (${request.codes.map(quoteString).join(", ")})${days}
ORDER BY row.code, row.timestamp, row.source`,
    {},
    signal,
  );
  return pairUp(rows, request.sources);
}

/** Rows of one code and time stand side by side. */
function pairUp(rows: readonly StoredRow[], [left, right]: PairsRequest["sources"]): readonly StoredPair[] {
  const pairs: StoredPair[] = [];
  let group: StoredRow[] = [];
  for (const [index, row] of rows.entries()) {
    group.push(row);
    const next = rows[index + 1];
    if (next === undefined || next.code !== row.code || next.key !== row.key) {
      pairs.push({
        code: parseSecurityCode(row.code),
        day: parseDay(row.day),
        time: row.time,
        left: sideOf(firstOf(left, group)),
        right: sideOf(firstOf(right, group)),
      });
      group = [];
    }
  }
  return pairs;
}

function firstOf(sources: readonly number[], group: readonly StoredRow[]): StoredRow | undefined {
  for (const source of sources) {
    const row = group.find((one) => one.source === source);
    if (row !== undefined) {
      return row;
    }
  }
  return undefined;
}

function sideOf(row: StoredRow | undefined): StoredSide | undefined {
  return row === undefined
    ? undefined
    : { cells: row, fetchedAt: row.fetched, callId: row.call, requestId: row.request };
}

function cellsOf({ dataSet }: PairsRequest): string {
  if (dataSet === "adjustment-factors") {
    return "toString(row.factor) AS factor";
  }
  // Where the provider gives no turnover the column may hold anything.
  const amount = "if(bitAnd(row.flags, 32) != 0, NULL, toString(row.amount)) AS amount";
  return BAR_CELLS.map((name) => (name === "amount" ? amount : `toString(row.${name}) AS ${name}`)).join(", ");
}

function timeOf({ frequency }: PairsRequest): string {
  return isIntraday(frequency) ? "toString(row.timestamp, toString(row.zone))" : "''";
}

function conditions({ dataSet, frequency, sources, from, to }: PairsRequest): string {
  return [
    `source IN (${sources.flat().join(", ")})`,
    ...(dataSet === "bars" ? [`frequency = ${FREQUENCY_NUMBERS[frequency]}`] : []),
    ...(from === undefined ? [] : [`trading_day >= '${from}'`]),
    ...(to === undefined ? [] : [`trading_day <= '${to}'`]),
  ].join(" AND ");
}

function tableOf({ database }: ClickHouse, { dataSet }: PairsRequest): string {
  return `${quoteIdentifier(database)}.${dataSet === "bars" ? BAR_ROW.name : ADJUSTFACTOR_ROW.name}`;
}

function slices<One>(all: readonly One[], size: number): readonly (readonly One[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
