import type { Frequency } from "../../domain/frequency.ts";
import { RowError, show } from "../read-cells.ts";

const MINUTES: { readonly [F in Frequency]?: number } = { "1m": 1, "5m": 5, "15m": 15, "30m": 30, "60m": 60 };
/** Minutes since midnight at which the two halves of a day begin, and how long each is. */
const HALVES = [570, 780] as const;
const HALF_MINUTES = 120;

/**
 * The `HH:MM` at which an interval of the frequency ends in mainland China. RowError on a time at which none does: a bar of
 * other bounds than ours is never taken for one of ours. Of single minutes also 09:30, the row of the opening auction.
 */
export function minuteOf(endsAt: string | undefined, frequency: Frequency): string {
  const minutes = MINUTES[frequency];
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(endsAt ?? "");
  if (minutes === undefined || match === null || endsAt === undefined) {
    throw new RowError("not-parseable", `time: expected the end of an interval, got ${show(endsAt)}`);
  }
  const at = Number.parseInt(match[1] ?? "", 10) * 60 + Number.parseInt(match[2] ?? "", 10);
  const isOurs = HALVES.some((begin) => at > begin && at <= begin + HALF_MINUTES && (at - begin) % minutes === 0);
  if (!isOurs && !(frequency === "1m" && at === HALVES[0])) {
    throw new RowError("not-parseable", `time: no bar of ${frequency} ends at ${endsAt}`);
  }
  return endsAt;
}
