import type { RunRecord } from "../domain/run-record.ts";

/**
 * Who leads the schedule of a fleet, and what was done. Everything throws TransientError where that cannot be told or
 * kept now; then nobody knows whether it was done.
 */
export interface ScheduleBook {
  /** How long the lead lasts from the moment it was asked for. */
  readonly leadMs: number;
  /** Takes the lead where nobody has it, or keeps it. False while another process has it. */
  lead(signal: AbortSignal): Promise<boolean>;
  /** Gives the lead up at once, if it is ours. */
  resign(): Promise<void>;
  /**
   * Notes that the run begins. `done`: it was sent already. `lost`: another process leads, so it is not ours to do.
   * Whoever leads begins anew what another one began and did not end.
   */
  begin(run: RunRecord, signal: AbortSignal): Promise<"begun" | "done" | "lost">;
  /** Notes that the run was sent. A later run of the name stays. */
  end(run: RunRecord, signal: AbortSignal): Promise<void>;
  read(signal: AbortSignal): Promise<ScheduleNotes>;
}

export interface ScheduleNotes {
  /** The node that leads; undefined while nobody does. */
  readonly leader: string | undefined;
  /** The latest of each name. */
  readonly runs: readonly RunRecord[];
}
