/** One process: a worker started again under the same node id is another one. */
export interface WorkerIdentity {
  readonly nodeId: string;
  readonly host: string;
  readonly pid: number;
}

/** A beat to be stored. `fields` is its JSON, with `host`, `pid` and `status`, and `is_ended` where it is the last. */
export interface Beat {
  readonly worker: WorkerIdentity;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A beat as it stands; what a foreign writer left out is undefined. */
export interface SeenBeat {
  readonly nodeId: string;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  readonly status: string | undefined;
  /** Epoch milliseconds by the clock of whoever beat. */
  readonly beatAtMs: number | undefined;
  /** Until it is gone if nobody beats again. */
  readonly leftMs: number;
  /** True of a worker that has said its last word. */
  readonly isEnded: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
  /** As it is stored. */
  readonly text: string;
}

/** Where workers say that they live; gone by itself when they say nothing for a while. */
export interface Heartbeats {
  /**
   * Stores the beat, unless a beat of another living process stands under the node id: then that one is answered and
   * nothing is stored. `dead` is a beat whose process is known to be gone; it may be replaced. Atomic. TransientError
   * when the place is away.
   */
  put(beat: Beat, dead: SeenBeat | undefined, signal: AbortSignal): Promise<SeenBeat | undefined>;
  /** All that stand now, by node id. */
  list(signal: AbortSignal): Promise<readonly SeenBeat[]>;
}
