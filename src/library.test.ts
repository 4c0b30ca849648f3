import assert from "node:assert/strict";
import test from "node:test";

import type { Log, LogFields } from "./base/log.ts";
import { createRedactor } from "./base/redact.ts";
import { withoutSecrets } from "./base/redacting-log.ts";
import { createWorker, SettingsError } from "./library.ts";

test("settings are read by the declarations of the file: all that is wrong is said at once, and nothing of the process is read", () => {
  assert.throws(
    () =>
      createWorker({
        worker: { drain_m: 1, windowMessages: "many" },
        kafka: 7,
        tushare: { token: "t", token_file: "/no" },
      }),
    (error) => {
      assert.ok(error instanceof SettingsError);
      assert.deepEqual(error.problems, [
        "unknown setting worker.drain_m in the settings that were given, did you mean worker.drain_ms?",
        "group kafka in the settings that were given: expected settings, got a string",
        "setting tushare.token is said twice, by the settings that were given and by the settings that were given: one is enough",
        'setting worker.window_messages from the settings that were given: expected a whole number from 1 to 1000000, got "many"',
      ]);
      return true;
    },
  );
  assert.throws(() => createWorker({ mode: "servers" }), /kafka\.brokers names no broker/);
  // The variable that would name a settings file, or a mode, is not looked at unless it is handed over.
  process.env["GINKGO_MODE"] = "nonsense";
  try {
    assert.equal(createWorker({}).state, "STOPPED");
    assert.throws(() => createWorker({}, { env: process.env }), /setting mode from environment GINKGO_MODE/);
  } finally {
    delete process.env["GINKGO_MODE"];
  }
});

test("two workers of one process are not one: each has a node id of its own, unless it is named", () => {
  const [first, second] = [createWorker({}), createWorker({ quality: { enabled: undefined } })];
  assert.notEqual(first.nodeId, second.nodeId);
  assert.equal(createWorker({ node: { id: "mine" } }).nodeId, "mine");
  assert.deepEqual([first.url, first.health(), first.why], [undefined, undefined, ""]);
});

test("a worker that does not run has stopped already", async () => {
  await using worker = createWorker({});
  assert.deepEqual(await worker.stop(), { dropped: 0, isCommitted: true });
  assert.deepEqual(await worker.ended, { dropped: 0, isCommitted: true });
  for (const timeoutMs of [0, -1, Number.NaN]) {
    await assert.rejects(worker.stop({ timeoutMs }), RangeError);
  }
  assert.equal(worker.state, "STOPPED");
});

test("a start that fails says why, is an error, and can be tried again", async () => {
  const worker = createWorker({ mode: "embedded" });
  for (const expected of [
    ["STARTING", "ERROR"],
    ["STARTING", "ERROR"],
  ]) {
    const states: string[] = [];
    using listening = worker.onChange(({ to }) => states.push(to));
    await assert.rejects(worker.start(), /no Tushare token is set/);
    await assert.rejects(worker.ended, /no Tushare token is set/);
    assert.deepEqual(states, expected);
    assert.match(worker.why, /no Tushare token is set/);
    assert.ok(listening instanceof Object);
  }
});

test("a log of the caller's gets no secret, in events, fields or children", () => {
  const lines: string[] = [];
  const log = (prefix: string): Log => {
    const line = (event: string, fields?: LogFields): void => {
      lines.push(`${prefix} ${event} ${JSON.stringify(fields ?? {})}`);
    };
    return { debug: line, info: line, warn: line, error: line, child: (fields) => log(JSON.stringify(fields)) };
  };
  const safe = withoutSecrets(log(""), createRedactor(["hunter22"]));
  safe.warn("refused hunter22", { url: "https://u:hunter22@host", password: "x", count: 3 });
  safe.child({ token: "hunter22" }).error("again");
  assert.deepEqual(lines, [
    ' refused [secret] {"url":"https://u:[secret]@host","password":"[secret]","count":3}',
    '{"token":"[secret]"} again {}',
  ]);
});
