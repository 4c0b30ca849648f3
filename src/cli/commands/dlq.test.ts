import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import type { AppApi } from "../../app/app-api.ts";
import type { Letter, LetterFilter } from "../../app/dead-letters/dead-letters-api.ts";

const letter: Letter = {
  place: "3/17",
  state: "open",
  at: "2025-01-02T03:04:05.678Z",
  reason: "unknown-code",
  path: "$.params.code",
  detail: "expected a code, got hunter22\u{1b}[2J",
  attempts: 1,
  code: "999999.SZ",
  key: "999999.SZ",
  origin: "ginkgo.data.update/3/5",
  redriven: 0,
  isCut: false,
  handledAt: "",
  note: "",
};

test("dlq list shows the newest letters, without secrets or escape sequences, and what to do", async () => {
  const letters = [letter, { ...letter, place: "0/1", at: "2025-01-03T00:00:00Z" }];
  const filters: LetterFilter[] = [];
  const app: Partial<AppApi> = {
    listDeadLetters: (_config, filter) => {
      filters.push(filter);
      const list = { topic: "t.dlq", letters, omitted: 0, open: 2, handled: 5, byReason: { "unknown-code": 2 } };
      return Promise.resolve(list);
    },
  };
  const env = { GINKGO_REDIS_PASSWORD: "hunter22" };
  const { code, out } = await run(["dlq", "list", "--limit", "1", "--reason", "unknown-code", "--all"], { app, env });
  assert.equal(code, 0);
  assert.match(out, /^t\.dlq: 2 open, 5 done with\n/);
  assert.match(
    out,
    /0\/1 +2025-01-03 00:00:00 +unknown-code +999999\.SZ +\$\.params\.code +expected a code, got \[secret\]\\u001b\[2J\n/,
  );
  assert.doesNotMatch(out, /3\/17/);
  assert.match(out, /and 1 older/);
  assert.match(out, /unknown-code +2 +check the code; gdw request --kind stock-list/);
  assert.deepEqual(filters, [{ reason: "unknown-code", code: undefined, sinceMs: undefined, withHandled: true }]);
  const failing = await run(["dlq", "list", "--fail-if-any", "--json"], { app, env });
  assert.equal(failing.code, 1);
  assert.equal(JSON.parse(failing.out).letters.length, 2);
});

test("dlq redrive reports what was left and ends with 1 then, and a choice has to be one of three", async () => {
  const chosen: unknown[] = [];
  const app: Partial<AppApi> = {
    redriveDeadLetters: async function* (_config, choice, options) {
      chosen.push([choice, options]);
      const plan = [{ place: "3/17", to: "up" }];
      yield { topic: "t.dlq", chosen: 1, done: 1, refused: [{ place: "3/18", why: "it was discarded" }], plan };
    },
  };
  const ran = await run(["dlq", "redrive", "3/17", "3/18", "--force"], { app });
  assert.equal(ran.code, 1);
  assert.equal(ran.out, "redrove 1 of 1 dead letter of t.dlq\n  left 3/18: it was discarded\n");
  assert.deepEqual(chosen, [
    [
      { kind: "places", places: ["3/17", "3/18"] },
      { isDryRun: false, isForced: true },
    ],
  ]);
  for (const [args, words] of [
    [["dlq", "redrive"], /or with --all: one of the three/],
    [["dlq", "redrive", "3/17", "--all"], /one of the three/],
    [["dlq", "redrive", "seventeen"], /such as 3\/17 \(partition\/offset\), got seventeen/],
    [["dlq", "redrive", "--reason", "unknown-cod"], /did you mean unknown-code\?/],
    [["dlq", "discard", "--all"], /needs --yes/],
    [["dlq", "list", "--limit", "0"], /--limit: expected a whole number/],
  ] as const) {
    const { code, err, loads } = await run(args, { app });
    assert.deepEqual([code, loads], [64, 0], args.join(" "));
    assert.match(err, words);
  }
});

test("dlq show lays a letter out with its value, headers and stack", async () => {
  const app: Partial<AppApi> = {
    showDeadLetter: () =>
      Promise.resolve({
        ...letter,
        topic: "t.dlq",
        reason: "defect",
        headers: { "x-trace": "abc", "x-ginkgo-reason": "defect" },
        value: '{"a":1}',
        valueBytes: 7,
        stack: "Error: oh\n    at here",
      }),
  };
  const { code, out } = await run(["dlq", "show", "3/17"], { app, env: { GINKGO_REDIS_PASSWORD: "hunter22" } });
  assert.equal(code, 0);
  assert.match(out, /^place +3\/17 of t\.dlq\nstate +open\nreason +defect\n/);
  assert.match(
    out,
    /headers\n {2}x-trace: abc\n\nvalue \(7 bytes\)\n {2}\{\n {4}"a": 1\n {2}\}\n\nstack\n {2}Error: oh\n/,
  );
  assert.doesNotMatch(out, /hunter22/);
  assert.equal(out.includes("\u{1b}"), false);
});
