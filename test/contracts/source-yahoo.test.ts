import { addDays, parseDay } from "../../src/domain/day.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import { generateForeignMarkets } from "../../src/market/foreign.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import type { Fault } from "../../src/simulators/yahoo/faults.ts";
import { yahooData } from "../../src/simulators/yahoo/market-data.ts";
import { startYahooSimulator } from "../../src/simulators/yahoo/simulator.ts";
import { openYahooSource } from "../../src/sources/yahoo/source.ts";
import { createSetClock } from "../support/yahoo-charts.ts";
import { testSourceContract, type CutCall, type SourceFault, type SourceRig } from "./source-contract.ts";

const foreign = generateForeignMarkets({ seed: 7, tradingDays: 40, to: parseDay("2025-11-28") });
const data = yahooData(generateMarket({ seed: 7, codes: 10, tradingDays: 40 }), foreign);
const CODE = parseSecurityCode("MSFT.US");
const SUNDAY = parseDay("2025-11-30");
const FROM = addDays(SUNDAY, -20);

/** What the provider does for each; it has no accounts, so nothing there can be refused. */
const FAULTS: { readonly [F in SourceFault]: Fault | undefined } = {
  "refused-credentials": undefined,
  "no-right-to-api": undefined,
  "rate-limit": { kind: "rate-limited" },
  "bad-request": { kind: "not-found" },
  "server-error": { kind: "gateway", status: 503 },
  "html-page": { kind: "consent" },
  reset: { kind: "reset" },
  "no-answer": { kind: "slow", ms: 60_000 },
};

async function openRig(): Promise<SourceRig> {
  const clock = createSetClock(`${SUNDAY}T12:00:00Z`);
  const simulator = await startYahooSimulator({ data, clock });
  const source = openYahooSource({
    clock,
    baseUrl: simulator.url,
    cookieUrl: simulator.url,
    callMsMax: 500,
    pauseMs: 0,
  });
  return {
    source,
    secrets: [],
    emptyCall: {
      dataSet: "bars",
      frequency: "1d",
      selection: { by: "codes", codes: [CODE], from: addDays(SUNDAY, -1), to: SUNDAY },
    },
    cutCalls: [minutes()],
    failNext: (fault) => {
      const known = FAULTS[fault];
      if (known !== undefined) {
        // That there is no such symbol is asked for twice more.
        simulator.injectFault(known, { times: fault === "bad-request" ? 3 : 1 });
      }
      return known !== undefined;
    },
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await simulator[Symbol.asyncDispose]();
    },
  };
}

/** Only minutes come in several answers. */
function minutes(): CutCall {
  const days = foreign.days("US").filter((day) => day >= FROM && day <= SUNDAY);
  const keys = days.flatMap((day) =>
    foreign.minutes(CODE, day).map(({ startsAt }) => {
      const [hour, minute] = [Math.floor((startsAt + 1) / 60), (startsAt + 1) % 60];
      return `bars ${CODE} ${day} ${day} ${`${hour}`.padStart(2, "0")}:${`${minute}`.padStart(2, "0")}:00`;
    }),
  );
  const selection = { by: "codes", codes: [CODE], from: FROM, to: SUNDAY } as const;
  return { call: { dataSet: "bars", frequency: "1m", selection }, keys: new Set(keys) };
}

testSourceContract("yahoo", openRig);
