import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";

import { silentLog } from "../../base/log.ts";
import { loadConfig } from "../../config.ts";
import { providerChecks } from "./provider-checks.ts";
import { runChecks } from "./run-checks.ts";

/** A port that nobody listens on any more. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  server.close();
  await once(server, "close");
  return address.port;
}

test("each provider of the chain is called once, and what one says when it fails is said", async () => {
  const port = `${await deadPort()}`;
  const env = {
    GINKGO_PROVIDERS_CHAIN: "baostock,tdx",
    GINKGO_BAOSTOCK_HOST: "127.0.0.1",
    GINKGO_BAOSTOCK_PORT: port,
    GINKGO_TDX_HOSTS: `127.0.0.1:${port}`,
  };
  const { config } = loadConfig({ flags: new Map(), env, settings: {}, readFile: () => undefined });
  const plans = providerChecks(config, { callProvider: true }, silentLog);
  const checks = await Array.fromAsync(runChecks(plans, new AbortController().signal));
  assert.deepEqual(
    checks.map(({ name, verdict }) => [name, verdict]),
    [
      ["provider settings", "ok"],
      ["baostock call", "fail"],
      ["tdx call", "fail"],
    ],
  );
  for (const { seen } of checks.slice(1)) {
    assert.match(seen, /ECONNREFUSED/);
  }
});
