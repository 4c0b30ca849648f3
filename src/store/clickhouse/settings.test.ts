import assert from "node:assert/strict";
import { test } from "node:test";

import { ClickHouseError, type ClickHouseSettings } from "@clickhouse/client";

import { describeError, PermanentError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { translate } from "./errors.ts";
import type { Link } from "./link.ts";
import { quorumWarning, readSettings } from "./settings.ts";

const never = new AbortController().signal;

const DEFAULTS: Readonly<Record<string, string>> = {
  async_insert: "0",
  wait_for_async_insert: "1",
  insert_deduplicate: "1",
  output_format_json_quote_64bit_integers: "0",
  output_format_json_quote_decimals: "0",
  input_format_allow_errors_num: "0",
  input_format_allow_errors_ratio: "0",
  limit: "0",
  offset: "0",
  read_overflow_mode: "throw",
  result_overflow_mode: "throw",
  timeout_overflow_mode: "throw",
  group_by_overflow_mode: "throw",
  sort_overflow_mode: "throw",
  distinct_overflow_mode: "throw",
  set_overflow_mode: "throw",
  send_progress_in_http_headers: "0",
  max_partitions_per_insert_block: "100",
  readonly: "0",
};

interface Profile {
  readonly values?: Readonly<Record<string, string>>;
  /** What is sent changes nothing. */
  readonly isDeaf?: boolean;
  /** Changing one of these is refused, as a constraint does it. */
  readonly constant?: readonly string[];
  /** Changing any is refused, as for a user who may only read. */
  readonly isReadOnly?: boolean;
}

/** A server as far as its settings go. */
function serverWith({ values = {}, isDeaf = false, constant = [], isReadOnly = false }: Profile): Link {
  const own: Readonly<Record<string, string>> = { ...DEFAULTS, ...values };
  const answer = (sql: string, sent: ReadonlyMap<string, string>): readonly object[] => {
    if (sql.startsWith("SELECT version()")) {
      return [{ version: "25.3.1.1" }];
    }
    const changed = [...sent].find(([name, value]) => own[name] !== value);
    if (isReadOnly && changed !== undefined) {
      const message = `Cannot modify '${changed[0]}' setting in readonly mode`;
      throw translate(new ClickHouseError({ code: "164", message, type: "X" }), "asking");
    }
    for (const name of constant) {
      if ((sent.get(name) ?? own[name]) !== own[name]) {
        const message = `Setting ${name} should not be changed.`;
        throw translate(new ClickHouseError({ code: "452", message, type: "X" }), "asking");
      }
    }
    return Object.entries(own)
      .filter(([name]) => sql.includes(`'${name}'`))
      .map(([name, value]) => ({ name, value: isDeaf ? value : (sent.get(name) ?? value) }));
  };
  const refuse = () => Promise.reject(new TypeError("not asked for here"));
  return {
    transport: "http",
    scratchPath: undefined,
    query: async <Row>(sql: string, _params: object, settings: ClickHouseSettings) => {
      const sent = new Map(Object.entries(settings).map(([name, value]) => [name, String(value)]));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return (await Promise.resolve(answer(sql, sent))) as readonly Row[];
    },
    command: refuse,
    raw: () => {
      throw new TypeError("not asked for here");
    },
    send: refuse,
    close: () => Promise.resolve(),
  };
}

const read = (profile: Profile, isWriter = true, mode: "sync" | "async" = "sync") =>
  readSettings(serverWith(profile), mode, "opening", silentLog, never, isWriter);

test("what a profile changes and lets be changed is sent with every call, what it leaves alone is not", async () => {
  const { send } = await read({ values: { async_insert: "1", result_overflow_mode: "break" } });
  assert.equal(send.async_insert, 0);
  assert.equal(send.result_overflow_mode, "throw");
  assert.equal("read_overflow_mode" in send, false);
});

const WRONG: readonly (readonly [name: string, is: string, must: string])[] = [
  ["async_insert", "1", "0"],
  ["insert_deduplicate", "0", "1"],
  ["input_format_allow_errors_num", "10", "0"],
  ["input_format_allow_errors_ratio", "0.5", "0"],
  ["limit", "1000", "0"],
  ["offset", "5", "0"],
  ["read_overflow_mode", "break", "throw"],
  ["result_overflow_mode", "break", "throw"],
  ["timeout_overflow_mode", "break", "throw"],
  ["group_by_overflow_mode", "any", "throw"],
  ["sort_overflow_mode", "break", "throw"],
  ["distinct_overflow_mode", "break", "throw"],
  ["set_overflow_mode", "break", "throw"],
  ["send_progress_in_http_headers", "1", "0"],
];

for (const [name, is, must] of WRONG) {
  test(`a profile that fixes ${name} at ${is} is refused, with what it must be and where to change it`, async () => {
    for (const profile of [{ isDeaf: true }, { constant: [name] }]) {
      const own = { async_insert: "0", ...outputAsWanted, [name]: is };
      await assert.rejects(read({ ...profile, values: own }), (error) => {
        assert.ok(error instanceof PermanentError && error.scope === "settings" && !error.isCredentials);
        assert.ok(error.message.includes(`${name} is ${is} and must be ${must}`), error.message);
        assert.match(
          describeError(error),
          /ALTER SETTINGS PROFILE.*clickhouse\.user$/,
          "what to do is said once, at the end",
        );
        return true;
      });
    }
  });
}

const outputAsWanted = {
  output_format_json_quote_64bit_integers: "1",
  output_format_json_quote_decimals: "1",
};

test("where the engine gathers inserts, it has to wait until they are written", async () => {
  const values = { async_insert: "1", wait_for_async_insert: "0", ...outputAsWanted };
  await assert.rejects(read({ values, isDeaf: true }, true, "async"), /wait_for_async_insert is 0 and must be 1/);
  const { settings } = await read({ values }, true, "async");
  assert.equal(settings.insertMode, "async");
});

test("a user who may only read is refused as a writer and serves who only reads", async () => {
  for (const readonly of ["1", "2"]) {
    await assert.rejects(read({ values: { readonly } }), new RegExp(`readonly is ${readonly} and must be 0`));
    await read({ values: { readonly } }, false);
  }
});

test("a user who may change no setting hears that it may only read, and nothing of a profile that overrules", async () => {
  await assert.rejects(read({ values: { readonly: "1", async_insert: "1" }, isReadOnly: true }, false), (error) => {
    assert.ok(error instanceof PermanentError && error.isCredentials, "exit code of refused rights");
    assert.match(error.message, /164 READONLY/);
    assert.doesNotMatch(error.message, /overrules/);
    return true;
  });
});

test("how many partitions an insert may touch is taken from the server, and 0 is no limit", async () => {
  for (const [text, limit] of [
    ["100", 100],
    ["7", 7],
    ["0", Infinity],
  ] as const) {
    const { settings } = await read({ values: { max_partitions_per_insert_block: text } });
    assert.equal(settings.partitionsPerInsertMax, limit);
  }
});

test("what an acknowledgement is worth on several replicas is read, and one that is worth little is said", async () => {
  for (const [insert_quorum, isSaid] of [
    ["0", true],
    ["1", true],
    ["2", false],
    ["auto", false],
  ] as const) {
    const { settings } = await read({ values: { insert_quorum } });
    assert.equal(settings.insertQuorum, insert_quorum);
    assert.equal(quorumWarning(settings) !== undefined, isSaid, insert_quorum);
  }
  const { settings } = await read({});
  assert.match(quorumWarning(settings) ?? "", /^insert_quorum is 0: .* set insert_quorum to 2 or 'auto'/);
});

test("a server that spells 0 as 0.0 or false is not a profile that overrules", async () => {
  await read({ values: { input_format_allow_errors_ratio: "0.0", send_progress_in_http_headers: "false" } });
});
