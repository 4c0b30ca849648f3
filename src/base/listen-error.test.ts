import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "./errors.ts";
import { toListenError } from "./listen-error.ts";

test("a port in use names what takes another port, and other errors come back as they are", () => {
  const inUse = Object.assign(new Error("listen EADDRINUSE: address already in use 127.0.0.1:8080"), {
    code: "EADDRINUSE",
  });
  const told = toListenError(inUse, "the worker's own port", { port: "health.port" });
  assert.ok(told instanceof TransientError && told.cause === inUse);
  assert.equal(
    told.message,
    "opening the worker's own port: listen EADDRINUSE: address already in use 127.0.0.1:8080; another program has this port: stop it or take another with health.port, 0 takes a free one",
  );
  const other = new Error("else");
  assert.equal(toListenError(other, "it", { port: "--port" }), other);
});
