import type { Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";

/** The columns of a bar that two providers are compared by, as the table names them. */
export const BAR_CELLS = ["open", "high", "low", "close", "pre_close", "volume", "amount"] as const;
export type BarCell = (typeof BAR_CELLS)[number];
export type CellName = BarCell | "factor";

/** What one provider said. */
export interface StoredSide {
  /** Exact decimal text; null where the provider gives none. */
  readonly cells: Readonly<Partial<Record<CellName, string | null>>>;
  /** When the call was granted, `YYYY-MM-DD HH:MM:SS` in UTC; empty for rows copied from an older table. */
  readonly fetchedAt: string;
  readonly callId: string;
  readonly requestId: string;
}

/** What two providers said of one bar or factor; at least one side is there. */
export interface StoredPair {
  readonly code: SecurityCode;
  readonly day: Day;
  /** Wall clock of the exchange at the interval's end; empty for what is of a day. */
  readonly time: string;
  readonly left: StoredSide | undefined;
  readonly right: StoredSide | undefined;
}
