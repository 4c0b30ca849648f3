import type { Candidate } from "./provider-chain.ts";

/**
 * What `act` brings, or undefined as soon as the line is out; `act` begins in any case, and is told by its signal. Throws what
 * `act` throws.
 */
export async function whileNotOut<T>(
  line: Candidate,
  act: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const gone = new AbortController();
  const look = (): void => {
    if (line.standing().word === "out") {
      gone.abort(new Error(`${line.provider} is out`));
    }
  };
  const end = line.onChange(look);
  try {
    const acting = act(AbortSignal.any([signal, gone.signal]));
    // Not before it has begun, or nobody would find out when the line is back.
    look();
    return await acting;
  } catch (error) {
    if (gone.signal.aborted && error === gone.signal.reason) {
      return undefined;
    }
    throw error;
  } finally {
    end();
  }
}
