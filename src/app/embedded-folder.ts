import { systemClock } from "../base/clock.ts";
import { HeldError, PermanentError, tellingWhatToDo } from "../base/errors.ts";
import type { Config } from "../config.ts";
import { findWorker, type WorkerFile } from "./worker-file.ts";

export interface FolderUse<T> {
  /** A worker holds the folder and answers: ask it. Undefined when it has nothing of the kind. */
  readonly ask: (worker: WorkerFile) => Promise<T | undefined> | T | undefined;
  /** Nobody holds it: open it. */
  readonly open: () => Promise<T> | T;
}

const WAIT_MS_MAX = 10_000;
const TRY_EVERY_MS = 150;

/**
 * One process holds an embedded folder. While a worker does, commands ask it; while none does, they open the folder
 * themselves. A worker that is starting, or another command, holds it and does not answer: that is waited for, and after
 * 10 s the HeldError is thrown.
 */
export async function useFolder<T>(folder: string, { ask, open }: FolderUse<T>, signal: AbortSignal): Promise<T> {
  const endMs = systemClock.elapsedMs() + WAIT_MS_MAX;
  for (;;) {
    signal.throwIfAborted();
    const worker = await findWorker(folder);
    const asked = worker === undefined ? undefined : await ask(worker);
    if (asked !== undefined) {
      return asked;
    }
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof HeldError) || systemClock.elapsedMs() >= endMs) {
        throw error;
      }
      await systemClock.sleep(TRY_EVERY_MS, signal);
    }
  }
}

/** What a second worker on the folder is told. */
export function alreadyRunning({ embedded }: Config, { pid, nodeId, url }: WorkerFile): HeldError {
  return new HeldError(
    `a worker runs in ${embedded.folder} already, process ${pid}, node ${nodeId}, at ${url}: send it requests, stop it, or take another folder with embedded.folder`,
    "queue",
  );
}

/** Nobody else can do the work that is waited for. */
export async function needWorker({ embedded }: Config): Promise<void> {
  if ((await findWorker(embedded.folder)) === undefined) {
    throw tellingWhatToDo(
      new PermanentError(
        `no worker runs in ${embedded.folder}, so nothing would come of waiting: start one with gdw start; a request without --wait is done when it starts`,
        "queue",
      ),
    );
  }
}
