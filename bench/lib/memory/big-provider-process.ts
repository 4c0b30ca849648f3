/** `big-provider-process.ts SIZE`: serves until its parent lets go of it. Speaks with the parent by messages. */
import { once } from "node:events";

import { startTushareSimulator } from "../../../src/simulators/tushare/simulator.ts";
import { createBigMarket, type BigMarketSize } from "./big-market.ts";
import type { ProviderEnd, ProviderReady } from "./big-provider.ts";

const market = createBigMarket(JSON.parse(process.argv[2] ?? "") as BigMarketSize);
await using simulator = await startTushareSimulator({ data: market.data, limits: [] });

process.on("message", () => {
  send({
    byCode: [...market.sumsByCode()],
    byDay: [...market.sumsByDay()],
    calls: Object.fromEntries(
      [
        ...Map.groupBy(
          simulator.requests,
          ({ api, params }) => `${api} ${typeof params["trade_date"] === "string" ? "by day" : "by code"}`,
        ),
      ].map(([name, calls]) => [name, calls.length]),
    ),
  });
});
send({
  url: simulator.url,
  token: simulator.token,
  bars: market.bars,
  codes: [...market.codes],
  from: market.days[0] ?? "",
  to: market.days.at(-1) ?? "",
});
await once(process, "disconnect");

function send(message: ProviderReady | ProviderEnd): void {
  process.send?.(message);
}
