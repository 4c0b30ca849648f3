import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../test/support/manual-clock.ts";
import { PermanentError } from "../base/errors.ts";
import { silentLog, type Log } from "../base/log.ts";
import { type Dependency, DependencyWatch } from "./dependency-watch.ts";

class Server implements Dependency {
  readonly name = "server";
  answers: "at once" | "never" | "with an error" = "at once";
  asked = 0;

  ask(): Promise<void> {
    this.asked += 1;
    if (this.answers === "never") {
      return new Promise(() => undefined);
    }
    return this.answers === "at once" ? Promise.resolve() : Promise.reject(new Error("connection refused"));
  }
}

function linesOf(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const say = (text: string): number => lines.push(text);
  const log: Log = { ...silentLog, info: say, warn: say, error: say };
  return { log, lines };
}

test("one failed question is no outage, the second is, and the first answer ends it", async () => {
  const clock = new ManualClock();
  const server = new Server();
  const { log, lines } = linesOf();
  await using watch = new DependencyWatch({ dependencies: [server], clock, log });
  await clock.advance(0);
  assert.equal(watch.states()[0]?.isAway, false);
  server.answers = "with an error";
  await clock.advance(1_000);
  assert.equal(watch.isAnyAway, false);
  await clock.advance(1_000);
  assert.deepEqual(watch.states(), [
    { name: "server", isAway: true, awayForMs: 1_000, thereForMs: undefined, why: "connection refused" },
  ]);
  await clock.advance(1_000);
  assert.deepEqual(lines, ["dependency is away, what needs it waits"]);
  server.answers = "at once";
  await clock.advance(1_000);
  assert.equal(watch.isAnyAway, false);
  assert.deepEqual(lines.slice(1), ["dependency is back"]);
});

test("a server that never answers is away within six seconds", async () => {
  const clock = new ManualClock();
  const server = new Server();
  await using watch = new DependencyWatch({ dependencies: [server], clock, log: linesOf().log });
  await clock.advance(0);
  server.answers = "never";
  for (let second = 0; second < 6; second += 1) {
    await clock.advance(1_000);
  }
  assert.equal(watch.isAnyAway, true);
  assert.match(watch.states()[0]?.why ?? "", /no answer within 2000 ms/);
});

test("disposing ends a question under way", async () => {
  const clock = new ManualClock();
  const server = new Server();
  server.answers = "never";
  const watch = new DependencyWatch({ dependencies: [server], clock, log: linesOf().log });
  await clock.advance(0);
  await watch[Symbol.asyncDispose]();
  assert.equal(server.asked, 1);
});

test("an answer that needs a person is told at once", async () => {
  const clock = new ManualClock();
  const refused: string[] = [];
  const server = { name: "server", ask: () => Promise.reject(new PermanentError("refused the password", "store")) };
  const onRefused = (error: PermanentError): number => refused.push(error.message);
  await using watch = new DependencyWatch({ dependencies: [server], clock, log: linesOf().log, onRefused });
  await clock.advance(0);
  assert.deepEqual(refused, ["refused the password"]);
  assert.equal(watch.isAnyAway, false);
});
