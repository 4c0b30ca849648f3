import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { firstAskedAtMs } from "./first-asked.ts";

const MARCH = "2026-03-01T00:00:00Z";
const APRIL = "2026-04-01T00:00:00Z";
const MAY = "2026-05-01T00:00:00Z";

test("a message was asked at the earliest of the times it is known by", () => {
  const asked = (said: string | undefined, kept: string | undefined, queued: number): string | undefined => {
    const headers = kept === undefined ? [] : ([["x-ginkgo-asked-at", Buffer.from(kept)]] as const);
    const askedAt = said === undefined ? undefined : Temporal.Instant.from(said);
    const atMs = firstAskedAtMs({ headers, timestampMs: queued }, { askedAt });
    return atMs === undefined ? undefined : Temporal.Instant.fromEpochMilliseconds(atMs).toString();
  };
  assert.equal(asked(undefined, undefined, Date.parse(MAY)), MAY);
  assert.equal(asked(MARCH, APRIL, Date.parse(MAY)), MARCH);
  assert.equal(asked(undefined, APRIL, Date.parse(MAY)), APRIL);
  assert.equal(asked(MAY, MARCH, Date.parse(APRIL)), MARCH);
  assert.equal(asked(MAY, undefined, Date.parse(APRIL)), APRIL, "a producer's clock that is fast takes no days away");
  assert.equal(asked(undefined, "yesterday", Date.parse(MAY)), MAY);
  assert.equal(asked(MAY, undefined, -1), MAY);
  assert.equal(asked(undefined, undefined, -1), undefined);
});
