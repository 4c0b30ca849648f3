import type { Log } from "../base/log.ts";
import { onAbort } from "../base/on-abort.ts";
import type { ConsumerState } from "../consumer/consumer-state.ts";

/** Says once, when `intake` aborts, what is still to be finished and what a second signal does. */
export function sayStopping(
  intake: AbortSignal,
  state: () => ConsumerState | undefined,
  drainMsMax: number,
  log: Log,
): Disposable {
  // After all who listen to the same signal, so that the state is that of the stop.
  const say = (): void => queueMicrotask(sayNow);
  const sayNow = (): void => {
    const messages = state()?.inHand ?? 0;
    const what = messages === 1 ? "1 message" : `${messages} messages`;
    log.info(
      messages === 0
        ? "stopping: nothing is in hand"
        : `stopping: finishing ${what}, at most ${Math.ceil(drainMsMax / 1_000)} s; a second signal drops ${messages === 1 ? "it" : "them"}`,
    );
  };
  return onAbort(intake, say);
}
