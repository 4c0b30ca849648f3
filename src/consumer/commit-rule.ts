import type { CommitState } from "./consumer-state.ts";
import type { Mark, QueuedMessage } from "./consumer-queue.ts";
import type { ConsumerLimits } from "./limits.ts";
import type { Tracker } from "./tracker.ts";

export interface CommitRequest<M extends QueuedMessage> {
  readonly marks: readonly Mark[];
  readonly trackers: readonly Tracker<M>[];
  /** The join under which it was asked for. */
  readonly epoch: number;
  readonly sentAtMs: number;
}

export interface Now {
  /** Monotonic. */
  readonly elapsedMs: number;
  /** The same without the time in which a dependency was away. */
  readonly workedMs: number;
  readonly isFresh: boolean;
}

/**
 * Which marks the group has yet to be told, and when: by count, by age, and at once when nothing is in hand. One
 * commit is under way at a time, only while the membership is fresh, and none between a rebalance and the join that
 * ends it, except the one that `take` gives the rebalance itself. What failed is said again with the next one.
 */
export class CommitRule<M extends QueuedMessage> {
  readonly #limits: ConsumerLimits;
  /** Trackers whose mark may be above what the group knows. */
  readonly #unsaid = new Set<Tracker<M>>();
  isHeld = true;
  #epoch = 0;
  #underWay = 0;
  #underWaySinceMs = 0;
  #failingSinceMs: number | undefined;
  #settled = 0;
  #isWanted = false;
  #takenAtMs = 0;
  #notBeforeMs = 0;
  #repeatedAtMs = 0;

  constructor(limits: ConsumerLimits) {
    this.#limits = limits;
  }

  /** The group knows every mark, as far as we can tell. */
  get isSaid(): boolean {
    return this.#underWay === 0 && ![...this.#unsaid].some((tracker) => tracker.isUnsaid);
  }

  state({ elapsedMs }: Now): CommitState {
    return {
      underWayForMs: this.#underWay === 0 ? undefined : Math.round(elapsedMs - this.#underWaySinceMs),
      failingForMs: this.#failingSinceMs === undefined ? undefined : Math.round(elapsedMs - this.#failingSinceMs),
    };
  }

  settled(tracker: Tracker<M>, isMarkRaised: boolean): void {
    this.#settled += 1;
    if (isMarkRaised) {
      this.#unsaid.add(tracker);
    }
  }

  forget(tracker: Tracker<M>): void {
    this.#unsaid.delete(tracker);
  }

  /** A join: what was confirmed before it may since have been overtaken by the commit of somebody who was cut off. */
  begin(trackers: readonly Tracker<M>[]): void {
    this.#epoch += 1;
    this.isHeld = false;
    this.#failingSinceMs = undefined;
    this.#sayAgain(trackers);
  }

  isDue(now: Now, inHand: number, trackers: readonly Tracker<M>[]): boolean {
    if (!now.isFresh || this.isHeld || this.#underWay > 0 || now.elapsedMs < this.#notBeforeMs) {
      return false;
    }
    if (now.elapsedMs - this.#repeatedAtMs >= this.#limits.repeatMarksEveryMs) {
      this.#repeatedAtMs = now.elapsedMs;
      this.#sayAgain(trackers);
    }
    return (
      this.#unsaid.size > 0 &&
      (this.#isWanted ||
        inHand === 0 ||
        this.#settled >= this.#limits.commitMessagesMax ||
        now.elapsedMs - this.#takenAtMs >= this.#limits.commitEveryMs)
    );
  }

  /** The commit to send now, if there is anything to say. */
  take(now: Now): CommitRequest<M> | undefined {
    const trackers: Tracker<M>[] = [];
    const marks: Mark[] = [];
    for (const tracker of this.#unsaid) {
      const { topic, partition, mark } = tracker;
      if (mark !== undefined && tracker.isUnsaid) {
        trackers.push(tracker);
        marks.push({ topic, partition, offset: mark });
      }
    }
    this.#unsaid.clear();
    this.#isWanted = false;
    this.#settled = 0;
    this.#takenAtMs = now.elapsedMs;
    if (marks.length === 0) {
      return undefined;
    }
    this.#underWaySinceMs = this.#underWay === 0 ? now.elapsedMs : this.#underWaySinceMs;
    this.#underWay += 1;
    return { marks, trackers, epoch: this.#epoch, sentAtMs: now.elapsedMs };
  }

  succeeded(request: CommitRequest<M>): void {
    this.#underWay -= 1;
    this.#failingSinceMs = undefined;
    if (request.epoch !== this.#epoch) {
      return;
    }
    request.trackers.forEach((tracker, index) => {
      const offset = request.marks[index]?.offset;
      if (offset !== undefined && (tracker.sent === undefined || offset > tracker.sent)) {
        tracker.sent = offset;
      }
    });
  }

  failed(request: CommitRequest<M>, now: Now): void {
    this.#underWay -= 1;
    this.#failingSinceMs ??= request.sentAtMs;
    this.#notBeforeMs = now.elapsedMs + this.#limits.commitEveryMs;
    for (const tracker of request.trackers) {
      if (tracker.isLive) {
        this.#unsaid.add(tracker);
      }
    }
  }

  #sayAgain(trackers: readonly Tracker<M>[]): void {
    for (const tracker of trackers) {
      tracker.sent = undefined;
      this.#unsaid.add(tracker);
    }
    this.#isWanted = true;
  }
}
