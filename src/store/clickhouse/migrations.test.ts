import assert from "node:assert/strict";
import { test } from "node:test";

import { loadMigrations, REPLICATION_DEFAULT, renderMigrationTable, renderStatements } from "./migrations.ts";
import { TABLES } from "./tables.ts";

test("migrations are numbered without gap, and every statement can be applied again", async () => {
  const migrations = await loadMigrations();
  assert.deepEqual(
    migrations.map(({ version }) => version),
    migrations.map((_, index) => index + 1),
  );
  const statements = migrations.flatMap((migration) => renderStatements(migration, { database: "ginkgo" }));
  const { altering, filling, making } = byKind(statements);
  assert.equal(making.length, TABLES.length);
  for (const statement of filling) {
    // Only an empty table is filled.
    assert.match(statement, /^INSERT INTO (\S+)\nSELECT .*\(SELECT count\(\) FROM \1\) = 0\n/s);
    assert.doesNotMatch(statement, /\{\{|--/);
  }
  for (const statement of altering) {
    assert.match(statement, /^ALTER TABLE \S+\s+ADD COLUMN IF NOT EXISTS/);
    assert.doesNotMatch(statement, /\{\{|--|\b(?:ADD COLUMN(?! IF NOT EXISTS)|DROP|DELETE|RENAME)\b/);
  }
  assert.equal(altering.length + filling.length + making.length, statements.length);
  for (const statement of making) {
    assert.match(statement, /^CREATE TABLE IF NOT EXISTS/);
    assert.doesNotMatch(statement, /\{\{|--/);
  }
});

test("a cluster and replication are asked for in every statement", async () => {
  const place = { database: "market data", cluster: "main", replication: REPLICATION_DEFAULT };
  const migrations = await loadMigrations();
  const statements = [
    renderMigrationTable(place),
    ...migrations.flatMap((migration) => renderStatements(migration, place)),
  ];
  const { altering, filling, making } = byKind(statements);
  for (const statement of filling) {
    assert.match(statement, /^INSERT INTO `market data`\.\w+\n/);
  }
  for (const statement of altering) {
    assert.match(statement, /^ALTER TABLE `market data`\.\w+ ON CLUSTER main\n/);
  }
  for (const statement of making) {
    assert.match(statement, /^CREATE TABLE IF NOT EXISTS `market data`\.\w+ ON CLUSTER main\n/);
    assert.match(
      statement,
      /ENGINE = ReplicatedReplacingMergeTree\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}', (?:version|applied_at)\)/,
    );
    assert.match(statement, /SETTINGS replicated_deduplication_window = 1000$/);
  }
});

test("an unknown placeholder is a defect that is named", () => {
  const migration = { version: 9, name: "typo", text: "CREATE TABLE {{tabel:x}} (a Int8);" };
  assert.throws(
    () => renderStatements(migration, { database: "ginkgo" }),
    /rendering migration 9: unknown placeholder \{\{tabel:x\}\}/,
  );
});

function byKind(statements: readonly string[]) {
  const startingWith = (word: string) => statements.filter((statement) => statement.startsWith(word));
  return { altering: startingWith("ALTER"), filling: startingWith("INSERT"), making: startingWith("CREATE") };
}
