import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";
import { Temporal } from "temporal-polyfill";

import type { Command, RangeRequest } from "./command.ts";
import { parseDay, type Day } from "./day.ts";
import { DEAD_LETTER_REASONS } from "./dead-letter.ts";
import { FREQUENCY_NUMBERS, isFrequency } from "./frequency.ts";
import { DETAIL_BYTES_MAX, MessageError } from "./message-error.ts";
import { parseMessage, toWire, WIRE_COMMANDS } from "./parse-message.ts";
import { isProviderName, PROVIDER_SOURCES } from "./provider.ts";
import { parseSecurityCode } from "./security-code.ts";

const now = Temporal.Instant.from("2025-06-30T12:00:00+08:00");

function parse(input: string | Buffer) {
  return parseMessage(typeof input === "string" ? Buffer.from(input) : input, { now });
}

const anyJsonLike = fc.record(
  {
    command: fc.oneof(fc.constantFrom(...Object.keys(WIRE_COMMANDS)), fc.jsonValue()),
    code: fc.oneof(fc.constant("000001.SZ"), fc.jsonValue()),
    timestamp: fc.oneof(fc.constantFrom("2024-01-01", "2024-01-01T00:00:00Z"), fc.jsonValue()),
    params: fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          code: fc.oneof(fc.constant("000001.SZ"), fc.jsonValue()),
          codes: fc.oneof(fc.constant(["600000.SH"]), fc.jsonValue()),
          start_date: fc.oneof(fc.constant("20240101"), fc.jsonValue()),
          end_date: fc.oneof(fc.constant("2024-01-01"), fc.string()),
          days: fc.jsonValue(),
          frequency: fc.jsonValue(),
          full: fc.jsonValue(),
          provider: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: [] },
);

test("whatever the bytes, they parse or are a MessageError with a reason of the list", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
    anyJsonLike.map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(bytes, (value) => {
      try {
        assert.ok(parse(value).command.kind.length > 0);
      } catch (error) {
        assert.ok(error instanceof MessageError, String(error));
        assert.ok(Object.hasOwn(DEAD_LETTER_REASONS, error.reason));
        assert.match(error.path, /^\$/);
        assert.ok(Buffer.byteLength(error.detail) <= DETAIL_BYTES_MAX);
      }
    }),
    { numRuns: 1000 },
  );
});

const anyDay = fc
  .date({ min: new Date("1990-12-19T00:00:00Z"), max: new Date("2025-06-29T00:00:00Z"), noInvalidDate: true })
  .map((date): Day => parseDay(date.toISOString().slice(0, 10)));
const anyRange: fc.Arbitrary<RangeRequest> = fc.oneof(
  fc.record({
    full: fc.boolean(),
    start: fc.constant(undefined),
    end: fc.option(anyDay, { nil: undefined }),
    days: fc.constant(undefined),
  }),
  fc.record({
    full: fc.constant(false),
    start: fc.constant(undefined),
    end: anyDay,
    days: fc.integer({ min: 1, max: 9000 }),
  }),
  fc.tuple(anyDay, anyDay).map(([one, other]) => ({
    full: false,
    start: one < other ? one : other,
    end: one < other ? other : one,
    days: undefined,
  })),
);
const anyProvider = fc.option(fc.constantFrom(...Object.keys(PROVIDER_SOURCES).filter(isProviderName)), {
  nil: undefined,
});
const overCodes = {
  codes: fc.uniqueArray(
    fc.nat(999_999).map((n) => parseSecurityCode(`${String(n).padStart(6, "0")}.SH`)),
    {
      minLength: 1,
      maxLength: 20,
    },
  ),
  range: anyRange,
  force: fc.boolean(),
  provider: anyProvider,
};
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant("sync-bars" as const),
    ...overCodes,
    frequency: fc.constantFrom(...Object.keys(FREQUENCY_NUMBERS).filter(isFrequency)),
    withFactors: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("sync-ticks" as const, "sync-adjustment-factors" as const), ...overCodes }),
  fc.record({
    kind: fc.constantFrom("sync-stock-list" as const, "sync-trading-calendar" as const),
    force: fc.boolean(),
    provider: anyProvider,
  }),
  fc.constant({ kind: "beat" as const }),
  fc.record({ kind: fc.constant("ignore" as const), wireCommand: fc.constantFrom("deploy", "bar_snapshot") }),
);

test("what request publishes parses back to the same command, with who asked and when", () => {
  const askedAt = Temporal.Instant.from("2025-06-30T03:04:05.678Z");
  fc.assert(
    fc.property(anyCommand, fc.uuid(), (command, requestId) => {
      const wanted = structuredClone(command); // fast-check makes objects without prototype
      const request = parse(toWire(wanted, { requestId, askedBy: "request", askedAt }));
      assert.deepEqual(request.command, wanted);
      assert.equal(request.envelope.requestId, requestId);
      assert.equal(request.envelope.askedBy, "request");
      assert.ok(request.envelope.askedAt?.equals(askedAt));
    }),
  );
});
