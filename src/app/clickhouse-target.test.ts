import assert from "node:assert/strict";
import { test } from "node:test";

import { loadConfig } from "../config.ts";
import { clickHouseTarget, splitAddress } from "./clickhouse-target.ts";

test("user and password of an address count before the settings and are not in it any more", async () => {
  const env = {
    GINKGO_CLICKHOUSE_URL: "https://gdw:p%2Fss@ch.example:8443",
    GINKGO_CLICKHOUSE_USER: "other",
    GINKGO_CLICKHOUSE_PASSWORD: "other-password",
  };
  const { config } = loadConfig({ flags: new Map(), env, readFile: () => undefined });
  const target = await clickHouseTarget(config);
  assert.ok(target.kind === "http");
  assert.deepEqual([target.url, target.user, target.password], ["https://ch.example:8443", "gdw", "p/ss"]);
});

test("an address without them stays as it was given, and one of the two alone leaves the other to the settings", () => {
  const none = { user: undefined, password: undefined };
  for (const url of ["http://ch:8123", "http://ch:8123/", "http://[::1]:8123", "https://ch/path?x=1"]) {
    assert.deepEqual(splitAddress(url), { url, ...none });
  }
  assert.deepEqual(splitAddress("http://gdw@ch:8123/"), { url: "http://ch:8123/", ...none, user: "gdw" });
  assert.deepEqual(splitAddress("http://:p%@ch:8123"), { url: "http://ch:8123", ...none, password: "p%" });
});
