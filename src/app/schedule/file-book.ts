import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { TransientError } from "../../base/errors.ts";
import { parseRunRecord, type RunRecord } from "../../domain/run-record.ts";
import type { ScheduleBook, ScheduleNotes } from "../../ports/schedule-book.ts";

const NAME = "schedule.json";
/** Nobody else can take it. */
const LEAD_MS = 60_000;

/**
 * The schedule of the one worker that holds an embedded folder: it leads because it holds the folder, and what was done
 * is in a file there. What cannot be read of the file counts as nothing; then the latest runs are done again, and find
 * nothing missing.
 */
export function createFileScheduleBook(folder: string, node: string): ScheduleBook {
  let isLeader = false;
  // The lead may be given up while a run is noted: one after the other, or the later one writes what it read before.
  let writing: Promise<unknown> = Promise.resolve();
  const write = async (change: (runs: readonly RunRecord[]) => readonly RunRecord[]): Promise<void> => {
    const mine = writing.then(() => writeNow(change));
    writing = mine.catch(() => undefined);
    await mine;
  };
  const writeNow = async (change: (runs: readonly RunRecord[]) => readonly RunRecord[]): Promise<void> => {
    const path = join(folder, NAME);
    const text = JSON.stringify({
      leader: isLeader ? node : undefined,
      runs: change((await readFileBook(folder)).runs),
    });
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(`${path}.new`, `${text}\n`);
      await rename(`${path}.new`, path);
    } catch (error) {
      throw new TransientError(`writing ${path}`, { cause: error });
    }
  };
  return {
    leadMs: LEAD_MS,
    lead: async () => {
      if (!isLeader) {
        isLeader = true;
        await write((runs) => runs);
      }
      return true;
    },
    resign: async () => {
      if (isLeader) {
        isLeader = false;
        await write((runs) => runs);
      }
    },
    begin: async (run) => {
      if (!isLeader) {
        return "lost";
      }
      const before = (await readFileBook(folder)).runs.find(({ name }) => name === run.name);
      if (before?.day === run.day && before.state === "sent") {
        return "done";
      }
      await write((runs) => put(run, runs));
      return "begun";
    },
    end: async (run) => {
      await write((runs) => {
        const isLater = runs.some(({ name, day }) => name === run.name && day > run.day);
        return isLater ? runs : put(run, runs);
      });
    },
    read: () => readFileBook(folder),
  };
}

function put(run: RunRecord, runs: readonly RunRecord[]): readonly RunRecord[] {
  return [...runs.filter(({ name }) => name !== run.name), run];
}

/** Also for whoever does not hold the folder: a leader that was killed is still named. */
export async function readFileBook(folder: string): Promise<ScheduleNotes> {
  try {
    const read: unknown = JSON.parse(await readFile(join(folder, NAME), "utf8"));
    const book: Partial<Record<string, unknown>> = typeof read === "object" && read !== null ? { ...read } : {};
    const listed: readonly unknown[] = Array.isArray(book["runs"]) ? book["runs"] : [];
    const runs = listed.flatMap((one): readonly RunRecord[] => {
      const run = parseRunRecord(one);
      return run === undefined ? [] : [run];
    });
    const leader = book["leader"];
    return { leader: typeof leader === "string" ? leader : undefined, runs };
  } catch {
    return { leader: undefined, runs: [] };
  }
}
