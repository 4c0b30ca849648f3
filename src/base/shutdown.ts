import { systemClock, type Clock } from "./clock.ts";

export type StopSignal = "SIGTERM" | "SIGINT";

/** Why a signal of a shutdown aborted. */
export class StopError extends Error {
  override readonly name = "StopError";
  readonly signal: StopSignal;

  constructor(message: string, signal: StopSignal) {
    super(message);
    this.signal = signal;
  }
}

/**
 * Two signals. First SIGTERM or SIGINT: `intake` aborts, take nothing new. Second one, or the drain deadline after the
 * first: `work` aborts, drop what is in hand. Both abort with a StopError.
 */
export interface Shutdown extends Disposable {
  readonly intake: AbortSignal;
  readonly work: AbortSignal;
  /** The first signal that came, for the exit code; undefined as long as none came. */
  readonly signal: StopSignal | undefined;
}

/** Where signals come from: the process, or a test. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown;
  off(signal: StopSignal, listener: () => void): unknown;
}

/** Listens from now on until disposed; then the process's own reaction to signals is back. */
export function listenForShutdown(
  drainMsMax: number,
  source: SignalSource = process,
  clock: Clock = systemClock,
): Shutdown {
  const intake = new AbortController();
  const work = new AbortController();
  const listening = new AbortController();
  let first: StopSignal | undefined;

  function receive(signal: StopSignal): void {
    if (first !== undefined) {
      work.abort(new StopError(`stopped by a second signal, ${signal}`, signal));
      return;
    }
    first = signal;
    intake.abort(new StopError(`stopped by ${signal}`, signal));
    void dropAfterDrain(signal);
  }

  async function dropAfterDrain(signal: StopSignal): Promise<void> {
    try {
      await clock.sleep(drainMsMax, listening.signal);
      work.abort(new StopError(`stopped by ${signal}, and not done within ${drainMsMax} ms`, signal));
    } catch {
      // Disposed before the deadline: everything was done in time.
    }
  }

  const onTerminate = (): void => receive("SIGTERM");
  const onInterrupt = (): void => receive("SIGINT");
  source.on("SIGTERM", onTerminate);
  source.on("SIGINT", onInterrupt);
  return {
    intake: intake.signal,
    work: work.signal,
    get signal() {
      return first;
    },
    [Symbol.dispose]: () => {
      listening.abort();
      source.off("SIGTERM", onTerminate);
      source.off("SIGINT", onInterrupt);
    },
  };
}
