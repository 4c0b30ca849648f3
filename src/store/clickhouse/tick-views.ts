import { PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { isSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { ClickHouse } from "./client.ts";
import { onCluster, qualify } from "./migrations.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { isOwnViewComment, viewComment, type View } from "./views.ts";

/*
 * Ginkgo reads ticks from one table a code, `000001_SZ_Tick`. Ours are views of that name over the view `tick`, so chain
 * and units are `tick`'s and only a newer program changes them. There may be thousands: each is made when the first ticks of
 * its code are stored.
 */

/** A table or view as far as it matters under the name of a view of ours. */
export interface NamedObject {
  readonly name: string;
  readonly engine: string;
  readonly comment: string;
}

export interface TickViewOptions {
  /** `schema.auto`: whether views may be made. */
  readonly apply: boolean;
  readonly cluster?: string | undefined;
}

/** Which codes have their view, for the one who stores ticks. */
export interface TickViews {
  /**
   * Makes the views of these codes that are not there. A code is looked up once; then nothing is asked. Throws
   * PermanentError (scope `store`) when something that is not ours stands under the name. Without `apply` nothing is made.
   */
  ensure(codes: Iterable<SecurityCode>, signal: AbortSignal): Promise<void>;
}

const NAME = /^(.{1,9})_([A-Z]{2})_Tick$/;
/** Views asked about in one statement. */
const NAMES_MAX = 1_000;

/** `000001.SZ` is read as `000001_SZ_Tick`. */
export function tickViewName(code: SecurityCode): string {
  return `${code.replace(".", "_")}_Tick`;
}

/** The code whose ticks are read by that name; undefined for any other name. */
export function codeOfTickView(name: string): SecurityCode | undefined {
  const [, symbol, exchange] = NAME.exec(name) ?? [];
  const code = `${symbol}.${exchange}`;
  return isSecurityCode(code) ? code : undefined;
}

export function renderTickView(database: string, code: SecurityCode): View {
  const columns = "uuid meta desc code price volume direction timestamp source sequence trades".split(" ");
  return {
    name: tickViewName(code),
    select: `SELECT ${columns.map((name) => `t.${name} AS ${name}`).join(", ")}
FROM ${quoteIdentifier(database)}.tick AS t
WHERE t.code = ${quoteString(code)}`,
  };
}

export function createTickViews(clickhouse: ClickHouse, options: TickViewOptions, log: Log): TickViews {
  const known = new Set<SecurityCode>();
  return {
    async ensure(codes, signal) {
      const unknown = [...new Set(codes)].filter((code) => !known.has(code));
      for (let from = 0; from < unknown.length; from += NAMES_MAX) {
        const part = unknown.slice(from, from + NAMES_MAX);
        const objects = await readNamed(clickhouse, part, signal);
        const { missing } = await bringUpToDate(clickhouse, part, objects, options, signal);
        if (missing.length > 0 && !options.apply) {
          log.warn("views of ticks are missing; run `schema ensure`", { views: missing.length, first: missing[0] });
        }
        for (const code of part) {
          known.add(code);
        }
      }
    },
  };
}

/** What was made, what had another definition, and what should be there and may not be made. */
export interface TickViewCounts {
  readonly created: number;
  readonly recreated: number;
  readonly missing: readonly string[];
}

/**
 * Makes the views of these codes as they should be. `objects` is what stands under their names. PermanentError when one of
 * them is not ours, before anything is made.
 */
export async function bringUpToDate(
  clickhouse: ClickHouse,
  codes: readonly SecurityCode[],
  objects: ReadonlyMap<string, NamedObject>,
  options: TickViewOptions,
  signal: AbortSignal,
): Promise<TickViewCounts> {
  const views = codes.map((code) => renderTickView(clickhouse.database, code));
  const foreign = views.flatMap(({ name }) => objects.get(name) ?? []).filter(isForeignTickTable);
  if (foreign.length > 0) {
    throw foreignError(clickhouse.database, foreign);
  }
  const missing: string[] = [];
  const counts = { created: 0, recreated: 0 };
  for (const view of views) {
    const stored = objects.get(view.name);
    const comment = viewComment(view);
    if (stored?.comment === comment) {
      continue;
    }
    if (!options.apply) {
      missing.push(view.name);
      continue;
    }
    const place = { ...options, database: clickhouse.database };
    // Two workers may be here at once: they make the same view.
    const create = stored === undefined ? "CREATE VIEW IF NOT EXISTS" : "CREATE OR REPLACE VIEW";
    const sql = `${create} ${qualify(place, view.name)}${onCluster(place)} AS\n${view.select}\nCOMMENT ${quoteString(comment)}`;
    await clickhouse.command(sql, {}, signal);
    counts[stored === undefined ? "created" : "recreated"] += 1;
  }
  return { ...counts, missing };
}

/** True for what stands under the name of a view of ticks and was not made by this program. */
export function isForeignTickTable({ name, engine, comment }: NamedObject): boolean {
  return codeOfTickView(name) !== undefined && !(engine === "View" && isOwnViewComment(comment));
}

const NAMED_MAX = 5;

function foreignError(database: string, foreign: readonly NamedObject[]): PermanentError {
  const named = foreign.slice(0, NAMED_MAX).map(({ name, engine }) => `${database}.${name} (${engine})`);
  const more = foreign.length > NAMED_MAX ? ` and ${foreign.length - NAMED_MAX} more` : "";
  return new PermanentError(
    `making views of ticks: ${named.join(", ")}${more} is not of this program, and a view of ours has to stand there; ` +
      "`schema adopt --tick-tables` renames it and drops nothing",
    "store",
  );
}

async function readNamed(
  clickhouse: ClickHouse,
  codes: readonly SecurityCode[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, NamedObject>> {
  const rows = await clickhouse.query<NamedObject>(
    `SELECT name, engine, comment FROM system.tables WHERE database = {database:String} AND name IN {names:Array(String)}`,
    { database: clickhouse.database, names: codes.map((code) => tickViewName(code)) },
    signal,
  );
  return new Map(rows.map((row) => [row.name, row]));
}
