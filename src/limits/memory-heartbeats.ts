import type { Heartbeats, SeenBeat } from "../ports/heartbeats.ts";

/** A worker without Redis is nobody's neighbour, and nobody looks for its beats. */
export function createMemoryHeartbeats(): Heartbeats {
  const none: readonly SeenBeat[] = [];
  return { put: () => Promise.resolve(undefined), list: () => Promise.resolve(none) };
}
