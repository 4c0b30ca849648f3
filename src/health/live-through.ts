import { describeError } from "../base/errors.ts";
import { onAbort } from "../base/on-abort.ts";
import type { Lifecycle } from "./lifecycle.ts";

/**
 * Does the work of a worker and takes its lifecycle along: starting now, stopping from the moment `intake` aborts, at the
 * end stopped, or in error when the work fails. The work itself says when it runs.
 */
export async function liveThrough<T>(lifecycle: Lifecycle, work: () => Promise<T>, intake: AbortSignal): Promise<T> {
  lifecycle.enter("STARTING");
  using _ = onAbort(intake, () => lifecycle.enter("STOPPING"));
  try {
    const result = await work();
    endWell(lifecycle);
    return result;
  } catch (error) {
    // Told to stop while it still waited for something is no failure.
    if (intake.aborted && error === intake.reason) {
      endWell(lifecycle);
    } else {
      lifecycle.enter("ERROR", describeError(error));
    }
    throw error;
  }
}

function endWell(lifecycle: Lifecycle): void {
  lifecycle.enter("STOPPING");
  lifecycle.enter("STOPPED");
}
