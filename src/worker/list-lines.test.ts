import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../test/support/manual-clock.ts";
import { silentLog } from "../base/log.ts";
import { GivenBackError } from "../consumer/handling.ts";
import { SHANGHAI } from "../domain/day.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Capability, Source } from "../ports/source.ts";
import { TransientError } from "../base/errors.ts";
import { ListLines } from "./list-lines.ts";
import { ProviderChain } from "./provider-chain.ts";
import { ProviderGate } from "./provider-gate.ts";
import { ProviderLine } from "./provider-line.ts";

const never = new AbortController().signal;
const DEADLINE_MS = 600_000;
const DAY_MS = 24 * 3_600_000;

test("who waits for a list is given up at the deadline, and in a drain, also where another provider is no more than held up", async () => {
  for (const [end, isExpected] of [
    ["deadline", isOutage],
    ["drain", (error: unknown) => error instanceof GivenBackError],
  ] as const) {
    const { clock, lines, gates } = openLines();
    const waiting = assert.rejects(
      lines.orOutage(new Promise(() => undefined), () => lines.able(), never),
      isExpected,
    );
    await fail(gates.tushare);
    gates.baostock.heldUp(DAY_MS);
    if (end === "drain") {
      gates.tushare.letGo();
      gates.baostock.letGo();
    } else {
      await clock.advance(DEADLINE_MS + 1_000);
    }
    await waiting;
  }
});

test("while another provider is there nobody is given up, and when that one goes as well what was due is due", async () => {
  const { clock, lines, gates } = openLines();
  const ended: unknown[] = [];
  const waiting = lines
    .orOutage(new Promise(() => undefined), () => lines.able(), never)
    .catch((error: unknown) => void ended.push(error));
  await fail(gates.tushare);
  await clock.advance(DEADLINE_MS * 2);
  assert.deepEqual(ended, []);
  gates.baostock.heldUp(DAY_MS);
  await waiting;
  const [error] = ended;
  assert.ok(isOutage(error), String(error));
});

test("an outage that is over is not held against who waits when both are no more than held up later", async () => {
  const { clock, lines, gates } = openLines();
  const stop = new AbortController();
  const ended: unknown[] = [];
  const waiting = lines
    .orOutage(new Promise(() => undefined), () => lines.able(), stop.signal)
    .catch((error: unknown) => void ended.push(error));
  const pass = await gates.tushare.enter(never);
  gates.tushare.ended(pass, new TransientError("down"));
  await clock.advance(DEADLINE_MS + 60_000);
  gates.tushare.ended(await gates.tushare.enter(never));
  await clock.advance(3_600_000);
  gates.tushare.heldUp(120_000);
  gates.baostock.heldUp(120_000);
  await clock.advance(1_000);
  assert.deepEqual(ended, []);
  stop.abort(new Error("the test is over"));
  await waiting;
});

function isOutage(error: unknown): boolean {
  return error instanceof MessageError && error.reason === "outage";
}

/** Out for two days. */
async function fail(gate: ProviderGate): Promise<void> {
  const pass = await gate.enter(never);
  gate.ended(pass, new TransientError("banned", { retryAfterMs: 2 * DAY_MS }));
}

interface OpenLines {
  readonly clock: ManualClock;
  readonly lines: ListLines;
  readonly gates: Readonly<Record<"tushare" | "baostock", ProviderGate>>;
}

function openLines(): OpenLines {
  const clock = new ManualClock();
  const pauses = { waitMs: 1_000, factor: 2, waitMsMax: 60_000 };
  const gateOf = (provider: ProviderName): ProviderGate =>
    new ProviderGate({
      key: { provider, api: "list" },
      limits: { failuresToOpen: 1, pauses, outageDeadlineMs: DEADLINE_MS },
      clock,
      log: silentLog,
      random: () => 1,
    });
  const gates = { tushare: gateOf("tushare"), baostock: gateOf("baostock") };
  const lineOf = (provider: "tushare" | "baostock"): ProviderLine =>
    new ProviderLine({
      source: sourceOf(provider),
      capability: CAPABILITY,
      gate: gates[provider],
      budget: {
        acquire: () => Promise.reject(new RangeError("nobody is asked here")),
        lower: async () => undefined,
        pause: async () => undefined,
        [Symbol.asyncDispose]: async () => undefined,
      },
      retryWaits: pauses,
      clock,
      log: silentLog,
      newCallId: () => "call",
    });
  const lines = [lineOf("tushare"), lineOf("baostock")];
  const chain = new ProviderChain({ providers: ["tushare", "baostock"], log: silentLog });
  return { clock, gates, lines: new ListLines({ list: "stock list", lines, chain, clock, log: silentLog }) };
}

function sourceOf(provider: ProviderName): Source {
  return {
    provider,
    capabilities: [CAPABILITY],
    fetch: () => Promise.reject(new RangeError("nobody is asked here")),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const CAPABILITY: Capability = {
  dataSet: "stock-list",
  api: "list",
  frequency: "1d",
  rowsMax: 10_000,
  rowsPerDay: 1,
  codesMax: 0,
  byDay: false,
  completeFrom: "00:00",
  zone: SHANGHAI,
  exchanges: ["SH", "SZ"],
  kinds: ["stock"],
  since: undefined,
};
