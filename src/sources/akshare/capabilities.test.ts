import assert from "node:assert/strict";
import { test } from "node:test";

import { akshareCapabilities } from "./capabilities.ts";

test("of two upstreams with the same bars Eastmoney stands first, and each keeps no more days than it has room for", () => {
  const capabilities = akshareCapabilities();
  for (const frequency of ["1d", "5m", "15m", "30m", "60m"]) {
    const lines = capabilities.filter(
      (one) => one.dataSet === "bars" && one.frequency === frequency && one.exchanges.includes("SH"),
    );
    assert.deepEqual(
      lines.map(({ api }) => api),
      ["eastmoney", "sina"],
      frequency,
    );
    for (const { rowsPerDay, daysKept = 0, rowsMax } of lines) {
      assert.ok(rowsPerDay * daysKept <= rowsMax);
    }
  }
});

test("what an AKTools server is asked for is asked of nobody else, and of shares of the mainland only", () => {
  for (const { api, kinds, exchanges } of akshareCapabilities({ aktoolsUrl: "http://127.0.0.1:8080" })) {
    assert.deepEqual([api, kinds, exchanges], ["aktools", ["stock"], ["SH", "SZ", "BJ"]]);
  }
});
