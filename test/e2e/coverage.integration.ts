import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import type { CoverageReport, GapsReport } from "../../src/app/app-api.ts";
import { isSecurityCode } from "../../src/domain/security-code.ts";
import { generateMarket, type Market } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { run, type Ran } from "../support/run-cli.ts";
import { compareWithTruth } from "./market-truth.ts";
import { openWorkerRig } from "./worker-rig.ts";

const never = new AbortController().signal;

test("coverage explains a market, names the days of bars that were lost, and gaps brings them back", async (t) => {
  const market = generateMarket({ seed: 11, codes: 40, tradingDays: 60 });
  await using rig = await openWorkerRig(t, { data: marketData(market) });
  if (rig === undefined) {
    return;
  }
  const gdw = (...args: readonly string[]): Promise<Ran> => run(args, { app, env: rig.env });
  const range = ["--from", market.days[0] ?? "", "--to", market.days.at(-1) ?? ""];
  const worker = rig.start();

  await rig.publish([{ value: { command: "stockinfo", params: {} } }]);
  await rig.untilSettled(1);
  const nothing = await gdw("coverage");
  assert.equal(nothing.code, 1, nothing.err);
  assert.match(nothing.out, /nobody ever asked for bars here/);
  const unasked = await coverage(gdw, "--market", ...range);
  assert.equal(unasked.counts["not-asked"], unasked.expected);

  // What nobody asked for is a gap of a named range: asking for the gaps is asking for the market.
  const first = await gdw("gaps", "--market", ...range, "--request", "--wait");
  assert.equal(first.code, 0, first.out + first.err);
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  const whole = await gdw("coverage", "--market", ...range);
  assert.equal(whole.code, 0, whole.out + whole.err);
  const explained = await coverage(gdw, "--market", ...range);
  assertAsTheTruth(explained, market);
  assert.ok(explained.counts.suspended > 0, "a market without suspensions shows little");
  // Without words the range is what was asked for, which is the same.
  assert.deepEqual((await coverage(gdw)).counts, explained.counts);
  const none = await gdw("gaps", ...range);
  assert.deepEqual([none.code, /no gaps/.test(none.out)], [0, true], none.out);

  const victim = market.securities.find(({ code }) => (market.history(code)?.bars.length ?? 60) < 60)?.code;
  assert.ok(victim);
  const lost = (market.history(victim)?.bars ?? []).map(({ day }) => day);
  assert.ok(lost.length > 10);
  await rig.clickhouse.command(
    `DELETE FROM ${rig.config.clickhouse.database}.bar_row WHERE code = {code:String}`,
    { code: victim },
    never,
  );
  const seen = await gdw("coverage");
  assert.equal(seen.code, 1);
  assert.match(seen.err, new RegExp(`${lost.length} days are present in the ledger and without a row: gdw verify`));
  assert.deepEqual(openDays(await coverage(gdw), market, "row-missing"), namesOf(victim, lost));
  const beforeVerify = await gdw("gaps");
  assert.deepEqual([beforeVerify.code, /run gdw verify first/.test(beforeVerify.err)], [1, true]);

  assert.equal((await gdw("verify")).code, 0);
  const after = await coverage(gdw, "--code", victim);
  assert.equal(after.isExplained, false);
  assert.deepEqual(openDays(after, market, "failed"), namesOf(victim, lost));
  assert.deepEqual(after.counts["row-missing"], 0);
  const named = await gdw("coverage", "--code", victim);
  assert.equal(named.code, 1);
  assert.match(named.out, new RegExp(`^${victim} +failed +${lost[0]}`, "m"));
  assert.equal(after.warning?.level, "error");
  const day = await gdw("coverage", "--date", lost[0] ?? "");
  assert.deepEqual([day.code, new RegExp(`^failed +1 .*${victim}$`, "m").test(day.out)], [1, true], day.out);

  rig.simulator.clearRequests();
  const listed: unknown = JSON.parse((await gdw("gaps", "--json")).out);
  assert.deepEqual(requestsOf(listed), [{ code: victim, from: lost[0], to: lost.at(-1), days: lost.length }]);
  assert.equal(rig.callsOf(), 0, "listing asks nobody");
  const healed = await gdw("gaps", "--request", "--wait");
  assert.equal(healed.code, 0, healed.out + healed.err);
  assert.match(healed.out, new RegExp(`rows: new ${lost.length},`));
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  const end = await coverage(gdw, "--market", ...range);
  assert.deepEqual([end.isExplained, end.counts], [true, explained.counts]);

  const factors = await gdw("gaps", "--data-set", "factors", "--codes", victim, ...range, "--request", "--wait");
  assert.equal(factors.code, 0, factors.out + factors.err);
  const covered = await coverage(gdw, "--data-set", "factors", "--codes", victim, ...range);
  assert.deepEqual([covered.isExplained, covered.expected > 0], [true, true]);
  assert.equal(covered.counts.present, market.history(victim)?.factors.length);
  const unknown = await gdw("coverage", "--code", "999999.SH", ...range);
  assert.deepEqual(
    [unknown.code, /999999.SH is neither in the stock list nor in the ledger/.test(unknown.err)],
    [1, true],
  );
  await worker.stop();
});

type Gdw = (...args: readonly string[]) => Promise<Ran>;

async function coverage(gdw: Gdw, ...args: readonly string[]): Promise<CoverageReport> {
  const { out, err, code } = await gdw("coverage", "--json", ...args);
  assert.notEqual(out, "", err);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The command's own JSON, checked by what is asserted of it.
  const report = JSON.parse(out) as CoverageReport;
  assert.equal(code, report.isExplained ? 0 : 1);
  return report;
}

/** Expected and present days of every code by the generator's own plan. */
function assertAsTheTruth(report: CoverageReport, market: Market): void {
  let expected = 0;
  for (const { code, expected: ofCode, counts } of report.codes) {
    const security = market.securities.find((known) => known.code === code);
    assert.ok(security, code);
    const days = market.days.filter(
      (day) => day >= security.listedOn && (security.delistedOn === undefined || day < security.delistedOn),
    );
    assert.equal(counts.present, market.history(code)?.bars.length, code);
    // The day of delisting is asked for once; it is expected where it had a bar or no trade.
    assert.ok(ofCode === days.length || ofCode === days.length + 1, `${code}: ${ofCode} of ${days.length}`);
    assert.equal(
      Object.values(counts).reduce((sum, count) => sum + count, 0),
      ofCode,
    );
    expected += ofCode;
  }
  assert.equal(report.codes.length, market.securities.length);
  assert.equal(report.expected, expected);
  const { counts } = report;
  assert.deepEqual(
    [counts["unexplained-empty"], counts.failed, counts["row-missing"], counts["not-asked"], counts.pending],
    [0, 0, 0, 0, 0],
  );
}

/** Every day of every span that is in a state somebody should look at; `state` is the only one. */
function openDays(report: CoverageReport, market: Market, state: string): readonly string[] {
  const open = report.codes
    .flatMap(({ spans }) => spans)
    .filter((span) => span.state !== "suspended" && span.state !== "no-trade");
  assert.deepEqual(new Set(open.map((span) => span.state)), new Set([state]));
  return open
    .flatMap(({ code, from, to }) =>
      market.days.filter((day) => day >= from && day <= to).map((day) => `${code} ${day}`),
    )
    .toSorted();
}

function namesOf(code: string, days: readonly string[]): readonly string[] {
  return days.map((day) => `${code} ${day}`).toSorted();
}

function requestsOf(value: unknown): GapsReport["requests"] {
  assert.ok(typeof value === "object" && value !== null && "requests" in value && Array.isArray(value.requests));
  return value.requests.map((one: GapsReport["requests"][number]) => {
    assert.ok(isSecurityCode(one.code));
    return one;
  });
}
