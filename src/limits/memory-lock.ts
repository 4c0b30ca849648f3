import type { Lock } from "../ports/lock.ts";

/** A lock for the only worker there is: whoever asks for a name waits for the one before. */
export function createMemoryLock(): Lock {
  const lastHolders = new Map<string, Promise<unknown>>();
  return {
    withLock: async (name, act, signal) => {
      const before = lastHolders.get(name);
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const mine = (before ?? Promise.resolve()).then(() => ended);
      lastHolders.set(name, mine);
      try {
        await before;
        signal.throwIfAborted();
        return await act();
      } finally {
        end();
        if (lastHolders.get(name) === mine) {
          lastHolders.delete(name);
        }
      }
    },
  };
}
