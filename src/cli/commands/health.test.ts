import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import { SETTING_BY_NAME } from "../../config/names.ts";
import { EXIT_CODES } from "../exit.ts";
import { QUICK_DEFAULTS, quickHealth, type QuickWorld } from "../quick-health.ts";
import { HEALTH_EXIT } from "../say-health.ts";

const WELL = { name: "progress", status: "ok", detail: "the loop turned 12 ms ago, nothing is stuck" };
const AWAY = { name: "clickhouse", status: "failed", detail: "away for 7 s: connect ECONNREFUSED \u001b[31m" };
const ANSWERS: Readonly<Record<string, { readonly code: number; readonly body: object }>> = {
  "/livez": { code: 200, body: { status: "ok", state: "RUNNING", checks: [WELL], notes: [] } },
  "/readyz": { code: 503, body: { status: "not-ok", state: "RUNNING", checks: [AWAY], notes: [] } },
  "/health": {
    code: 503,
    body: {
      status: "not-ok",
      state: "RUNNING",
      checks: [WELL, AWAY],
      notes: ["idle: no message was settled for 11 min"],
    },
  },
};

interface Served extends AsyncDisposable {
  readonly port: number;
}

async function serve(
  answer: (path: string) => { readonly code: number; readonly body: string } | undefined,
): Promise<Served> {
  const server: Server = createServer((request, response) => {
    const given = answer(request.url ?? "");
    if (given !== undefined) {
      response.writeHead(given.code, { "content-type": "application/json" }).end(given.body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    // A server that listens on a port has such an address.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const serveWorker = (): Promise<Served> =>
  serve((path) => {
    const found = ANSWERS[path];
    return found && { code: found.code, body: JSON.stringify(found.body) };
  });

test("health asks for what was named, says each check and each note, and ends with what the worker said", async () => {
  await using worker = await serveWorker();
  const env = { GINKGO_HEALTH_HOST: "0.0.0.0", GINKGO_HEALTH_PORT: String(worker.port) };
  const live = await run(["health", "--live"], { env });
  assert.deepEqual([live.code, live.err, live.loads], [0, "", 0]);
  assert.equal(live.out, "healthy, running\nok       progress           the loop turned 12 ms ago, nothing is stuck\n");
  const ready = await run(["health", "--ready"], { env });
  assert.equal(ready.code, 1);
  assert.equal(
    ready.out,
    "not healthy, running\nfailed   clickhouse         away for 7 s: connect ECONNREFUSED  [31m\n",
  );
  for (const flags of [[], ["--live", "--ready"]]) {
    const both = await run(["health", ...flags], { env });
    assert.equal(both.code, 1);
    assert.match(
      both.out,
      /^not healthy, running\nok {7}progress .*\nfailed {3}clickhouse .*\nnote {5}idle: .*11 min\n$/,
    );
  }
  const json = await run(["health", "--json", "--health-port", String(worker.port)]);
  assert.deepEqual(JSON.parse(json.out), ANSWERS["/health"]?.body);
});

test("where no worker answers, health says so in words within its time and ends with 69", async () => {
  const gone = await serveWorker();
  await gone[Symbol.asyncDispose]();
  const nobody = await run(["health", "--health-port", String(gone.port)]);
  assert.deepEqual([nobody.code, nobody.out], [69, ""]);
  assert.match(
    nobody.err,
    /^gdw: asking the worker at http:\/\/127\.0\.0\.1:\d+\/health: nobody listens there: no worker/,
  );
  await using silent = await serve(() => undefined);
  const startedMs = performance.now();
  const late = await run(["health", "--health-port", String(silent.port), "--timeout-ms", "200"]);
  assert.ok(performance.now() - startedMs < 5_000);
  assert.equal(late.code, 69);
  assert.match(late.err, /no answer within 200 ms: the worker is stuck, or the machine is too busy\n$/);
  for (const other of [
    { code: 404, body: '{"error":"nothing"}' },
    { code: 200, body: "<html>" },
    { code: 200, body: '{"ok":true}' },
  ]) {
    await using stranger = await serve(() => other);
    const told = await run(["health", "--health-port", String(stranger.port)]);
    assert.equal(told.code, 69);
    assert.match(told.err, new RegExp(`something answers with ${other.code}, and it is no worker: check health.host`));
  }
});

test("a port that only the worker knows, and a time that is none, are said", async () => {
  const free = await run(["health"], { env: { GINKGO_HEALTH_PORT: "0" } });
  assert.equal(free.code, EXIT_CODES.settings.code);
  assert.match(free.err, /health\.port is 0, a free port that only the worker knows: give both the same number\n$/);
  assert.equal((await run(["health", "--timeout-ms", "soon"])).code, EXIT_CODES.usage.code);
});

test("the short way says the same as the long one, and is taken only where nothing else has to be read", async () => {
  await using worker = await serveWorker();
  const env = { GINKGO_HEALTH_PORT: String(worker.port) };
  for (const flags of [[], ["--live"], ["--ready"], ["--json"], ["--ready", "--json"]]) {
    const long = await run(["health", ...flags], { env });
    let out = "";
    const world = quickWorld({ env, stdout: { write: (text) => (out += String(text)) } });
    assert.deepEqual([await quickHealth(["health", ...flags], world), out], [long.code, long.out]);
  }
  const long: readonly (readonly [argv: readonly string[], world: Partial<QuickWorld>])[] = [
    [["start"], { env }],
    [["health", "--help"], { env }],
    [["health", "--health-port", "9090"], {}],
    [["health"], { env, isFileThere: (path) => path === "data_worker.yml" }],
    [["health"], { env: { ...env, GINKGO_DATA_WORKER_CONFIG: "/etc/gdw.yml" } }],
    [["health"], { env: { GINKGO_HEALTH_PORT: '""' } }],
    [["health"], { env: { GINKGO_HEALTH_PORT: "0" } }],
    [["health"], { env: { GINKGO_HEALTH_PORT: "70000" } }],
    [["health"], { env: { ...env, GINKGO_HEALTH_HOST: '""' } }],
  ];
  for (const [argv, world] of long) {
    assert.equal(await quickHealth(argv, quickWorld(world)), undefined, argv.join(" "));
  }
});

test("what the short way knows by heart is what is declared", () => {
  const said = { get: () => undefined };
  const values = ["health.host", "health.port"].map((name) => SETTING_BY_NAME.get(name)?.setting.fallback(said).value);
  assert.deepEqual(values, [QUICK_DEFAULTS.host, QUICK_DEFAULTS.port]);
  assert.deepEqual(SETTING_BY_NAME.get("health.host")?.variables, ["GINKGO_HEALTH_HOST"]);
  assert.deepEqual(SETTING_BY_NAME.get("health.port")?.variables, ["GINKGO_HEALTH_PORT"]);
  const { ok, defect, unavailable } = EXIT_CODES;
  assert.deepEqual(Object.values(HEALTH_EXIT), [ok.code, defect.code, unavailable.code]);
});

function quickWorld(world: Partial<QuickWorld>): QuickWorld {
  const nowhere = { write: () => undefined };
  return { stdout: nowhere, stderr: nowhere, env: {}, isFileThere: () => false, ...world };
}
