/** The peers' messages: their topics, their generator, their seed. Whoever takes part has the same work. */

export type WorkKind = "work" | "idle";

export interface WorkMessage {
  readonly key: string;
  readonly seq: number;
  readonly workMs: number;
}

const SEED = 20_250_123;
/** Work is drawn below this: 0 to 5 ms. */
const WORK_MS_END = 6;

export function topicOf(kind: WorkKind, partitions: number, keys: number): string {
  return `peers-${kind}-p${partitions}-k${keys}`;
}

export function messagesOf(kind: WorkKind): number {
  return kind === "work" ? 10_000 : 100_000;
}

export function* drawMessages(kind: WorkKind, keys: number): Generator<WorkMessage> {
  let state = SEED;
  const drawBelow = (end: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(((state >>> 8) * end) / 2 ** 24);
  };
  for (let seq = 0; seq < messagesOf(kind); seq += 1) {
    const key = `key-${drawBelow(keys)}`;
    yield { key, seq, workMs: kind === "work" ? drawBelow(WORK_MS_END) : 0 };
  }
}

/** The least that these messages can take, in seconds: the work of the busiest key, one after the other. */
export function leastSeconds(kind: WorkKind, keys: number): number {
  const ofKey = new Map<string, number>();
  for (const { key, workMs } of drawMessages(kind, keys)) {
    ofKey.set(key, (ofKey.get(key) ?? 0) + workMs);
  }
  return Math.max(...ofKey.values()) / 1000;
}
