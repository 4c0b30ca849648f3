import type { Candidate } from "./provider-chain.ts";

export interface WhoCounts {
  /** Whether all of these are out is what matters; all of them by default. */
  readonly thatCount: () => readonly Candidate[];
  /** `tell` is called when others count, until the function that is returned is. */
  readonly onOther: (tell: () => void) => () => void;
}

/**
 * What `act` brings, or undefined as soon as all of them that count are out; `act` begins in any case, and is told by its
 * signal. Throws what `act` throws.
 */
export async function whileNotOut<T>(
  candidates: readonly Candidate[],
  act: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  { thatCount, onOther }: WhoCounts = { thatCount: () => candidates, onOther: () => () => undefined },
): Promise<T | undefined> {
  const gone = new AbortController();
  const look = (): void => {
    const counting = thatCount();
    if (counting.length > 0 && counting.every((one) => one.standing().word === "out")) {
      gone.abort(new Error(`${candidates.map(({ provider }) => provider).join(", ")}: out`));
    }
  };
  const ends = [...candidates.map((one) => one.onChange(look)), onOther(look)];
  try {
    const acting = act(AbortSignal.any([signal, gone.signal]));
    // Not before it has begun, or nobody would find out when one is back.
    look();
    return await acting;
  } catch (error) {
    if (gone.signal.aborted && error === gone.signal.reason) {
      return undefined;
    }
    throw error;
  } finally {
    for (const end of ends) {
      end();
    }
  }
}
