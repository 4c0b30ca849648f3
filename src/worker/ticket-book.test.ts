import assert from "node:assert/strict";
import test from "node:test";

import type { Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Unit } from "../domain/unit.ts";
import { type Delivery, type Planned, type Ticket, TicketBook } from "./ticket-book.ts";

const FROM = "2024-01-02" as Day;
const TO = "2024-01-03" as Day;
const PAGE: Delivery<"adjustment-factors"> = {
  evidence: { provider: "tushare", callId: "c", version: 1n },
  received: 0,
  rows: [],
  rejected: [],
  rest: [],
};

test("a call taken apart and an answer that was under way bring each unit all it waits for", () => {
  // Both units need both days, a call a day.
  const book = new TicketBook<"adjustment-factors">((units) => [planned(units, FROM), planned(units, TO)]);
  const [first, second] = [ticketOf("1"), ticketOf("2")];
  book.add(first);
  book.add(second);
  const early = book.take();
  const refused = book.take();
  assert.ok(early && refused);
  book.putBackHalved(refused);
  book.deliver(early, PAGE);
  assert.deepEqual([first.ended, second.ended], [[], []]);
  for (let call = book.take(); call !== undefined; call = book.take()) {
    assert.equal(call.units.length, 1, "taken apart, each is asked for alone");
    book.deliver(call, PAGE);
  }
  assert.deepEqual([first.ended, second.ended], [[undefined], [undefined]]);
});

test("units of one code that share a call are taken apart by their days", () => {
  const book = new TicketBook<"adjustment-factors">((units) => [
    { call: callFor(["1" as SecurityCode], FROM, TO), units, rank: 0 },
  ]);
  const [first, second] = [ticketOf("1", FROM, FROM), ticketOf("1", TO, TO)];
  book.add(first);
  book.add(second);
  const shared = book.take();
  assert.ok(shared);
  book.putBackHalved(shared);
  const calls = [book.take(), book.take()];
  assert.deepEqual(
    calls.map((call) => call?.call.selection),
    [FROM, TO].map((day) => ({ by: "codes", codes: ["1"], from: day, to: day })),
  );
});

test("the last page of a market tells whether all pages together are far fewer rows than codes are listed", () => {
  for (const [last, isShort] of [
    [200, true],
    [2_400, undefined],
  ] as const) {
    const call = { dataSet: "adjustment-factors", frequency: "1d", selection: { by: "day", day: FROM } } as const;
    const book = new TicketBook<"adjustment-factors">(
      (units) => [{ call, units, rank: 0 }],
      () => 5_500,
    );
    const ticket = ticketOf("1", FROM, FROM);
    book.add(ticket);
    const first = book.take();
    assert.ok(first);
    book.deliver(first, { ...PAGE, received: 3_000, rest: [{ ...call, offset: 3_000 }] });
    const second = book.take();
    assert.ok(second);
    book.deliver(second, { ...PAGE, received: last });
    assert.deepEqual(
      ticket.answers.map(({ marketRows, isShort: told }) => [marketRows, told]),
      [
        [3_000, undefined],
        [3_000 + last, isShort],
      ],
    );
  }
});

test("what failed waits for no other call any more", () => {
  const book = new TicketBook<"adjustment-factors">((units) => [planned(units, FROM), planned(units, TO)]);
  const ticket = ticketOf("1");
  book.add(ticket);
  const call = book.take();
  assert.ok(call);
  book.fail(call, "wrong");
  assert.deepEqual(ticket.ended, ["wrong"]);
  assert.equal(book.hasCalls, false);
});

test("live work that comes while a backfill is bound goes before it, and all of the backfill is still asked for", () => {
  const book = new TicketBook<"adjustment-factors">((units) => {
    const [live, long] = [units.filter(({ code }) => code === "live"), units.filter(({ code }) => code !== "live")];
    return [
      ...(live.length === 0 ? [] : [planned(live, TO)]),
      ...(long.length === 0 ? [] : [FROM, TO].map((day) => ({ ...planned(long, day), rank: 2 }))),
    ];
  });
  const [backfill, live] = [ticketOf("backfill"), ticketOf("live")];
  book.add(backfill);
  const first = book.take();
  assert.deepEqual(first?.units, [backfill.unit]);
  book.add(live);
  const second = book.take();
  assert.deepEqual(second?.units, [live.unit]);
  book.deliver(second, PAGE);
  assert.deepEqual([live.ended, backfill.ended], [[undefined], []]);
  const third = book.take();
  assert.ok(first && third);
  book.deliver(first, PAGE);
  book.deliver(third, PAGE);
  assert.deepEqual(backfill.ended, [undefined]);
  assert.equal(book.hasCalls, false);
});

function planned(units: readonly Unit[], day: Day): Planned<"adjustment-factors"> {
  const codes = units.map(({ code }) => code);
  return { call: callFor(codes, day, day), units, rank: 0 };
}

function callFor(codes: readonly SecurityCode[], from: Day, to: Day): Planned<"adjustment-factors">["call"] {
  return { dataSet: "adjustment-factors", frequency: "1d", selection: { by: "codes", codes, from, to } };
}

function ticketOf(code: string, from = FROM, to = TO): Ticket<"adjustment-factors"> & { readonly ended: unknown[] } {
  const ended: unknown[] = [];
  const ticket: Ticket<"adjustment-factors"> & { readonly ended: unknown[] } = {
    unit: {
      dataSet: "adjustment-factors",
      frequency: "1d",
      code: code as SecurityCode,
      from,
      to,
      tradingDays: 2,
      missing: [{ from, to }],
      provider: "tushare",
    },
    fetched: [],
    rejected: [],
    answers: [],
    onAnswer: () => undefined,
    callsLeft: 0,
    callsUnderWay: 0,
    letGo: undefined,
    settle: (error) => {
      ticket.settle = undefined;
      ended.push(error);
    },
    ended,
  };
  return ticket;
}
