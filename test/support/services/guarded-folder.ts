import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/**
 * A temporary folder with a guard, a tiny shell in a session of its own that holds the other end of a pipe of ours.
 * However we end (in order, by Ctrl-C, by SIGKILL), the pipe closes; the guard then kills the process that was named to it last
 * and removes the folders. So a service never outlives the tests that started it, and leaves nothing behind.
 */
export interface GuardedFolder extends AsyncDisposable {
  readonly path: string;
  /** Names the leader of the process group that must end with us; undefined when there is none. */
  watch(pid: number | undefined): void;
}

const GUARD = `
last=-
while read -r next; do last=$next; done
if [ "$last" != - ]; then kill -KILL -- "-$last" 2>/dev/null; fi
tries=0
while :; do
  rm -rf -- "$@" 2>/dev/null
  left=0
  for folder in "$@"; do if [ -e "$folder" ]; then left=1; fi; done
  tries=$((tries + 1))
  if [ $left = 0 ] || [ $tries -gt 100 ]; then break; fi
  sleep 0.05
done
`;

/** `others` are folders elsewhere that go together with this one. */
export async function openGuardedFolder(prefix: string, others: readonly string[] = []): Promise<GuardedFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), `ginkgo-${prefix}-`));
  const guard = spawn("/bin/sh", ["-c", GUARD, "sh", folder, ...others], {
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
