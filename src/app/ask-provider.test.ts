import assert from "node:assert/strict";
import { test } from "node:test";

import { barsFrame, ScriptedBaostock } from "../../test/support/scripted-baostock.ts";
import { silentLog } from "../base/log.ts";
import { systemClock } from "../base/clock.ts";
import { loadConfig } from "../config.ts";
import { dayAt, parseDay, SHANGHAI } from "../domain/day.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { askCommands } from "./ask-provider.ts";

test("a question goes on to today where its end is left out, is answered in the views' columns, and says what is missing", async () => {
  const CODES = [parseSecurityCode("600000.SH"), parseSecurityCode("000001.SZ")];
  await using server = await ScriptedBaostock.open((asked) =>
    barsFrame(
      asked,
      asked.fields[4] === "sh.600000"
        ? [["2024-01-05", "sh.600000", "6.6", "6.7", "6.5", "6.6", "100", "660", "3"]]
        : [],
    ),
  );
  const env = { GINKGO_BAOSTOCK_HOST: "127.0.0.1", GINKGO_BAOSTOCK_PORT: `${server.port}` };
  const { config } = loadConfig({ flags: new Map(), env, settings: {}, readFile: () => undefined });
  const question = { codes: CODES, day: undefined, from: parseDay("2024-01-01"), to: undefined };
  const asked = { provider: "baostock", what: "weekly-bars", question } as const;
  const said = await askCommands.ask(config, asked, silentLog, new AbortController().signal);
  assert.deepEqual(said.columns, ["code", "day", "open", "high", "low", "close", "volume", "amount"]);
  assert.deepEqual(said.missing, ["000001.SZ"]);
  const today = dayAt(systemClock.now(), SHANGHAI);
  assert.ok(server.asked.some(({ fields }) => fields.includes(today)));
});
