import { BoundedMap } from "../../base/bounded-map.ts";
import type { Clock } from "../../base/clock.ts";
import type { Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { Split } from "./chart.ts";

/** A split is in every answer long before its day; what is known of a code is good for a while. */
const KNOWN_MS = 60 * 60_000;
const CODES_MAX = 10_000;

interface Known {
  readonly from: Day;
  readonly atMs: number;
  readonly splits: readonly Split[];
}

/** The splits of codes, as far back as somebody asked lately: weeks of minutes and several intervals need the same list. */
export class SplitBook {
  readonly #clock: Pick<Clock, "elapsedMs">;
  readonly #known = new BoundedMap<SecurityCode, Known>(CODES_MAX);

  constructor(clock: Pick<Clock, "elapsedMs">) {
    this.#clock = clock;
  }

  /** All splits since `from`, and maybe earlier ones; undefined where nobody asked so far back within the hour. */
  find(code: SecurityCode, from: Day): readonly Split[] | undefined {
    const known = this.#known.get(code);
    const isGood = known !== undefined && known.from <= from && this.#clock.elapsedMs() - known.atMs < KNOWN_MS;
    return isGood ? known.splits : undefined;
  }

  keep(code: SecurityCode, from: Day, splits: readonly Split[]): readonly Split[] {
    this.#known.set(code, { from, atMs: this.#clock.elapsedMs(), splits });
    return splits;
  }
}
