import { quantile, round } from "../worker/figures.ts";
import type { MemorySample } from "./sampler.ts";

export interface Quarter {
  readonly quarter: 1 | 2 | 3 | 4;
  readonly seconds: number;
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly rssMedianMiB: number;
  readonly rssMaxMiB: number;
  /** Undefined where no sample had it. */
  readonly heapMaxMiB: number | undefined;
}

/** The time until the last row came, in four parts of equal length; fewer samples than parts leave parts out. */
export function quartersOf(samples: readonly MemorySample[]): readonly Quarter[] {
  const working = whileWorking(samples);
  const [first, last] = [working[0], working.at(-1)];
  if (first === undefined || last === undefined || first === last) {
    return [];
  }
  const lengthS = (last.s - first.s) / 4;
  return ([1, 2, 3, 4] as const).flatMap((quarter) => {
    const from = first.s + (quarter - 1) * lengthS;
    const own = working.filter(({ s }) => s >= from && (quarter === 4 || s < from + lengthS));
    const before = working.findLast(({ s }) => s < from) ?? first;
    const end = own.at(-1);
    if (end === undefined) {
      return [];
    }
    const seconds = Math.max(end.s - before.s, 0.001);
    const heaps = own.flatMap(({ heapMiB }) => heapMiB ?? []);
    return [
      {
        quarter,
        seconds: round(seconds, 1),
        rows: end.rows,
        rowsPerSecond: Math.round((end.rows - before.rows) / seconds),
        rssMedianMiB: Math.round(
          quantile(
            own.map(({ rssMiB }) => rssMiB),
            0.5,
          ),
        ),
        rssMaxMiB: Math.round(Math.max(...own.map(({ rssMiB }) => rssMiB))),
        heapMaxMiB: heaps.length === 0 ? undefined : Math.round(Math.max(...heaps)),
      },
    ];
  });
}

/** From the publishing to the first sample that has all rows. */
export function whileWorking(samples: readonly MemorySample[]): readonly MemorySample[] {
  const rows = samples.at(-1)?.rows ?? 0;
  return samples.slice(0, samples.findIndex((sample) => sample.rows === rows) + 1);
}
