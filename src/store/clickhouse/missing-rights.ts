import { PermanentError } from "../../base/errors.ts";
import type { ClickHouse } from "./client.ts";

/** What a worker does in its database. */
const RIGHTS = ["SELECT", "INSERT", "CREATE TABLE", "CREATE VIEW", "ALTER ADD COLUMN"] as const;
type Right = (typeof RIGHTS)[number];

/** A right is also held by whoever holds one of these. */
const WIDER: Readonly<Record<Right, readonly string[]>> = {
  SELECT: ["ALL"],
  INSERT: ["ALL"],
  "CREATE TABLE": ["CREATE", "ALL"],
  "CREATE VIEW": ["CREATE", "CREATE TABLE", "ALL"],
  "ALTER ADD COLUMN": ["ALTER COLUMN", "ALTER TABLE", "ALTER", "ALL"],
};

/**
 * Which rights on our database the user lacks, without using one: by the profile's `readonly` and by what SHOW GRANTS says,
 * roles included. Undefined where the server does not tell.
 */
export async function missingRights(
  clickhouse: ClickHouse,
  signal: AbortSignal,
): Promise<readonly Right[] | undefined> {
  if (await isReadOnly(clickhouse, signal)) {
    return RIGHTS.filter((right) => right !== "SELECT");
  }
  const grants = await readGrantLines(clickhouse, signal);
  return grants === undefined ? undefined : rightsNotIn(grants, clickhouse.database);
}

/** `lines` as SHOW GRANTS prints them; only what holds for the whole database counts. */
export function rightsNotIn(lines: readonly string[], database: string): readonly Right[] {
  const held = namesIn(lines, "GRANT", database);
  const revoked = namesIn(lines, "REVOKE", database);
  return RIGHTS.filter((right) => {
    const names = [right, ...WIDER[right]];
    return !names.some((name) => held.has(name)) || names.some((name) => revoked.has(name));
  });
}

function namesIn(lines: readonly string[], verb: "GRANT" | "REVOKE", database: string): ReadonlySet<string> {
  const found = lines
    .map((line) => /^(GRANT|REVOKE) (.+) ON (\S+) (?:TO|FROM) /.exec(line))
    .filter((match) => match?.[1] === verb && covers(match[3] ?? "", database));
  return new Set(found.flatMap((match) => match?.[2]?.split(", ") ?? []));
}

function covers(scope: string, database: string): boolean {
  return scope === "*.*" || scope === `${database}.*` || scope === `\`${database}\`.*`;
}

/** Before version 24 there is no FINAL, and grants by role are not listed. */
async function readGrantLines(clickhouse: ClickHouse, signal: AbortSignal): Promise<readonly string[] | undefined> {
  for (const sql of ["SHOW GRANTS FINAL", "SHOW GRANTS"]) {
    try {
      const rows = await clickhouse.query<Readonly<Record<string, unknown>>>(sql, {}, signal);
      return rows.flatMap((row) => Object.values(row).map(String));
    } catch (error) {
      if (!(error instanceof PermanentError)) {
        throw error;
      }
    }
  }
  return undefined;
}

async function isReadOnly(clickhouse: ClickHouse, signal: AbortSignal): Promise<boolean> {
  const sql = "SELECT value FROM system.settings WHERE name = 'readonly'";
  const [row] = await clickhouse.query<{ readonly value: string }>(sql, {}, signal);
  return row !== undefined && row.value !== "0";
}
