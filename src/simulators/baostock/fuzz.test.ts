import assert from "node:assert/strict";
import { test } from "node:test";

import { LOGIN, readAnswer, request } from "../../../test/support/baostock-wire.ts";
import { systemClock } from "../../base/clock.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { createRandom } from "../../market/random.ts";
import { Accounts, ANONYMOUS } from "./accounts.ts";
import { createAnswerer } from "./answer-request.ts";
import { FaultPlan } from "./faults.ts";
import { LimitGate } from "./limit-gate.ts";
import { marketData } from "./market-data.ts";
import { METHODS } from "./methods.ts";
import { RequestLog } from "./request-log.ts";
import type { Session } from "./session.ts";

const answer = createAnswerer({
  data: marketData(generateMarket({ seed: 11, codes: 12, tradingDays: 10 })),
  clock: systemClock,
  log: new RequestLog(10),
  faults: new FaultPlan([], createRandom(1, "faults")),
  gate: new LimitGate({ requestsMax: 1_000_000 }),
  accounts: new Accounts([ANONYMOUS]),
  serverVersion: "00.9.00",
  clientVersionMin: "00.8.90",
  loginRefusalType: "04",
});

function codeOf(line: Buffer, session: Session): string {
  const { frame } = answer(line.subarray(0, -1), session);
  assert.ok(frame !== undefined);
  return readAnswer(frame).fields[0] ?? "";
}

const WORDS = [
  "",
  "0",
  "1",
  "2",
  "3",
  "5",
  "60",
  "d",
  "w",
  "m",
  "2000",
  "2025",
  "report",
  "operate",
  "sh.600000",
  "sz.000001",
  "sh.000001",
  "sh.510300",
  "bj.920002",
  "2025-12-01",
  "2025-12-31",
  "9999-12-31",
  "0001-01-01",
  "2025-02-30",
  "date,close",
  "date,time,close",
  "银行",
  "\u{1F600}",
  "-1",
  "1e9",
  "__proto__",
  "constructor",
] as const;

test("whatever words a request has, its answer is success or a refusal of the table and never a defect", () => {
  const session: Session = { connection: 1, user: undefined };
  assert.equal(codeOf(LOGIN, session), "0");
  const random = createRandom(9, "words");
  const met = new Map<string, number>();
  for (let count = 0; count < 6_000; count += 1) {
    const method = METHODS[random.below(METHODS.length)] ?? METHODS[0];
    const words = Array.from(
      { length: method.parameters.length + (method.isPaged ? 2 : 0) + (random.chance(1, 10) ? 1 : 0) },
      (_, at) => (method.isPaged && at < 2 && random.chance(9, 10) ? "1" : random.pick(WORDS)),
    );
    const body = [method.name, "anonymous", ...words].join("|");
    const code = codeOf(request(method.type, body), session);
    assert.notEqual(code, "10005001", body);
    met.set(code, (met.get(code) ?? 0) + 1);
  }
  for (const code of ["0", "10004005", "10004006", "10004007", "10004008", "10004009", "10004010", "10004011"]) {
    assert.ok((met.get(code) ?? 0) > 0, `${code}: ${JSON.stringify([...met])}`);
  }
});

test("bytes that are no request are malformed or of a wrong type", () => {
  const session: Session = { connection: 2, user: undefined };
  const random = createRandom(9, "bytes");
  for (let count = 0; count < 3_000; count += 1) {
    const line = Buffer.from(LOGIN);
    for (let changes = random.between(1, 4); changes > 0; changes -= 1) {
      line[random.below(line.length - 1)] = random.below(256);
    }
    const cut = random.chance(1, 3) ? line.subarray(random.below(line.length)) : line;
    if (!cut.equals(LOGIN)) {
      assert.equal(codeOf(cut, session), "10004019", cut.toString("latin1"));
    }
  }
  assert.equal(session.user, undefined);
});
