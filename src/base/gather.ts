/**
 * Turns many small requests into few large ones: what is asked for while one run is under way goes together in the
 * next. An idle caller waits for nothing but the turn of the event loop; a busy one gets batches as large as the
 * other side is slow.
 */
export interface Gatherer<Item, Result> {
  (item: Item): Promise<Result>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** `run` answers with one result for each item, in their order; what it throws reaches every caller of that run. */
export function createGatherer<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  itemsMax: number,
): Gatherer<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let isRunning = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const taken = waiting.slice(0, itemsMax);
      waiting = waiting.slice(itemsMax);
      try {
        const results = await run(taken.map(({ item }) => item));
        if (results.length !== taken.length) {
          throw new RangeError(`a gathered run of ${taken.length} items answered ${results.length}`);
        }
        for (const [index, result] of results.entries()) {
          taken[index]?.resolve(result);
        }
      } catch (error) {
        for (const { reject } of taken) {
          reject(error);
        }
      }
    }
    isRunning = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!isRunning) {
        isRunning = true;
        setImmediate(() => void drain());
      }
    });
}
