import assert from "node:assert/strict";
import test from "node:test";

import { isLocalName, isLoopback } from "./local-host.ts";

test("addresses and localhost are this machine's names, whatever the port", () => {
  for (const host of [undefined, "", "localhost", "LOCALHOST:8080", "127.0.0.1:1", "10.1.2.3", "[::1]:8080", "[::1]"]) {
    assert.ok(isLocalName(host), String(host));
  }
});

test("a name that a page could point at this machine is not", () => {
  for (const host of [
    "evil.example",
    "localhost.evil.example:8080",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil",
    "a:b:c",
  ]) {
    assert.ok(!isLocalName(host), host);
  }
});

test("loopback is told from addresses that others reach", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"]) {
    assert.ok(isLoopback(host), host);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "worker.example"]) {
    assert.ok(!isLoopback(host), host);
  }
});
