import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../base/errors.ts";
import type { MessageIdentity, Outcomes } from "../ports/store.ts";
import { SettledBefore } from "./settled-before.ts";

const assignment = new AbortController().signal;

test("whatever message asks first, each is known to be settled before", async () => {
  const { settledBefore, asked } = open(new Map([...Array(5).keys()].map((at) => [100n + BigInt(at), `f10${at}`])));
  assert.equal(await settledBefore.has(messageAt(102n), assignment), true);
  assert.equal(await settledBefore.has(messageAt(100n), assignment), true);
  assert.equal(await settledBefore.has(messageAt(101n), assignment), true);
  assert.equal(await settledBefore.has(messageAt(104n), assignment), true);
  assert.equal(await settledBefore.has(messageAt(105n), assignment), false);
  assert.equal(await settledBefore.has({ ...messageAt(103n), fingerprint: "another" }, assignment), false);
  assert.deepEqual(asked, [102n, 100n]);
});

test("what could not be read is asked for again", async () => {
  let failures = 1;
  const { settledBefore } = open(new Map([[100n, "f100"]]), () => {
    failures -= 1;
    if (failures >= 0) {
      throw new TransientError("reading outcomes: away");
    }
  });
  await assert.rejects(settledBefore.has(messageAt(100n), assignment), TransientError);
  assert.equal(await settledBefore.has(messageAt(100n), assignment), true);
});

function open(
  settled: ReadonlyMap<bigint, string>,
  fail: () => void = () => undefined,
): { readonly settledBefore: SettledBefore; readonly asked: readonly bigint[] } {
  const asked: bigint[] = [];
  const outcomes: Outcomes = {
    record: () => Promise.resolve(),
    settledFrom: async (_topic, _partition, from) => {
      asked.push(from);
      fail();
      return new Map(
        [...settled].filter(([offset]) => offset >= from).map(([offset, print]) => [offset, new Set([print])]),
      );
    },
    byRequest: async () => [],
  };
  return { settledBefore: new SettledBefore(outcomes), asked };
}

function messageAt(offset: bigint): MessageIdentity {
  return { topic: "t", partition: 0, offset, fingerprint: `f${offset}` };
}
