import type { Handling } from "../consumer/handling.ts";

/** What the deadline of a message is measured by, told by whoever works for it. */
export interface Pace {
  /** A call of it was answered, or rows of it were stored: its deadline begins again. */
  progress(): void;
  /** Until it is disposed of the message waits for its turn or for what all messages wait for: no time passes for it. */
  rest(): Disposable;
  /** What it waits for from now on, in a few words for a dead letter; asked only when that is needed. */
  doing(what: () => string): void;
}

/** The pace of a message, and what it was last said to wait for. */
export function watchPace(work: Pick<Handling, "progress" | "rest">): {
  readonly pace: Pace;
  readonly doing: () => string | undefined;
} {
  let last: (() => string) | undefined;
  return {
    pace: {
      progress: () => work.progress(),
      rest: () => work.rest(),
      doing: (what) => {
        last = what;
      },
    },
    doing: () => last?.(),
  };
}
