import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/**
 * A temporary folder with a guard, a tiny shell in a session of its own that holds the other end of a pipe of ours.
 * However we end (in order, by Ctrl-C, by SIGKILL), the pipe closes; the guard then kills the process that was named to it last
 * and removes the folder. So a service never outlives the tests that started it, and leaves nothing behind.
 */
export interface GuardedFolder extends AsyncDisposable {
  readonly path: string;
  /** Names the leader of the process group that must end with us; undefined when there is none. */
  watch(pid: number | undefined): void;
}

const GUARD = `
last=-
while read -r next; do last=$next; done
if [ "$last" != - ]; then kill -s KILL -- "-$last" 2>/dev/null; fi
tries=0
while rm -rf -- "$1" 2>/dev/null; [ -e "$1" ] && [ $tries -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
`;

export async function openGuardedFolder(prefix: string): Promise<GuardedFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), `ginkgo-${prefix}-`));
  const guard = spawn("/bin/sh", ["-c", GUARD, "sh", folder], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // A guard that is gone already must not end the tests with EPIPE.
  guard.stdin.on("error", () => undefined);
  const exited = once(guard, "exit");
  exited.catch(() => undefined);
  // The guard and its pipe keep no test process alive.
  guard.unref();
  if ("unref" in guard.stdin && typeof guard.stdin.unref === "function") {
    guard.stdin.unref();
  }
  return {
    path: folder,
    watch: (pid) => {
      guard.stdin.write(`${pid ?? "-"}\n`);
    },
    [Symbol.asyncDispose]: async () => {
      guard.ref();
      guard.stdin.end();
      await exited;
    },
  };
}
