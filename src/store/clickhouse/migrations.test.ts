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
  assert.equal(statements.length, TABLES.length);
  for (const statement of statements) {
    assert.match(statement, /^(?:CREATE TABLE|ALTER TABLE \S+ (?:ADD|MODIFY) COLUMN) IF NOT EXISTS/);
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
  for (const statement of statements) {
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
