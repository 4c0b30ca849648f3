import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  /** What is waited for, as the end of "waited 5000 ms for …". */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/**
 * Asks again and again until `check` answers something that is neither false, null nor undefined, and gives it back.
 * What `check` throws is thrown at once. When the time is over, the error names what was waited for.
 */
export async function waitFor<Answer>(
  check: () => Promise<Answer> | Answer,
  { what, timeoutMs = 10_000, everyMs = 25 }: WaitOptions,
): Promise<Exclude<Answer, false | null | undefined>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await check();
    if (isGiven(answer)) {
      return answer;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${what}`);
    }
    await sleep(everyMs);
  }
}

function isGiven<Answer>(answer: Answer): answer is Exclude<Answer, false | null | undefined> {
  return answer !== false && answer !== null && answer !== undefined;
}
