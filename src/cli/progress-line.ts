import type { Clock } from "../base/clock.ts";
import type { RequestProgress } from "../app/app-api.ts";
import { countOf } from "./count-of.ts";
import type { Output } from "./cli.ts";
import { nameApi } from "../domain/name-api.ts";
import { printable } from "./printable.ts";

/** Shows how far something has come: one line that changes on a terminal, a line now and then elsewhere. */
export interface ProgressLine<Progress = RequestProgress> {
  /** `isNews`: shown at once, however short ago the last one was. */
  show(progress: Progress, isNews?: boolean): void;
  /** A sentence of its own, which leaves the state before it standing. */
  say(text: string): void;
  /** Leaves the last state standing. */
  end(): void;
}

const TERMINAL_MS_MIN = 100;
const PLAIN_MS_MIN = 5000;
/** A request may wait for a day. */
const PLAIN_REQUEST_MS_MIN = 30_000;

export function createProgressLine(output: Output, clock: Clock): ProgressLine {
  return createLineOf(describeProgress, output, clock, PLAIN_REQUEST_MS_MIN);
}

/** The same for other work; `describe` is told how long it has been going on. */
export function createLineOf<Progress>(
  describe: (progress: Progress, elapsedMs: number) => string,
  output: Output,
  clock: Clock,
  plainMsMin: number = PLAIN_MS_MIN,
): ProgressLine<Progress> {
  const startedMs = clock.elapsedMs();
  const isTerminal = output.isTTY === true;
  const pauseMs = isTerminal ? TERMINAL_MS_MIN : plainMsMin;
  let shownMs = Number.NEGATIVE_INFINITY;
  let latest = "";
  let shown = "";

  function write(): void {
    if (latest !== shown) {
      output.write(isTerminal ? `\r\u{1b}[2K${latest}` : `${latest}\n`);
      shown = latest;
    }
  }

  return {
    show: (progress, isNews = false) => {
      const nowMs = clock.elapsedMs();
      latest = fit(describe(progress, nowMs - startedMs), output);
      if (isNews || nowMs - shownMs >= pauseMs) {
        shownMs = nowMs;
        write();
      }
    },
    say: (text) => {
      write();
      output.write(isTerminal && shown !== "" ? `\n${text}\n` : `${text}\n`);
      shown = "";
      latest = "";
    },
    end: () => {
      write();
      if (isTerminal && shown !== "") {
        output.write("\n");
      }
    },
  };
}

/** A line that wraps is not changed in its place: only the last row of it would be. */
function fit(line: string, { isTTY, columns = 0 }: Output): string {
  return isTTY === true && columns > 1 && line.length >= columns ? `${line.slice(0, columns - 2)}…` : line;
}

/**
 * Such as `settled 120/300 after 3 s, tushare daily: 2 calls under way, 40.1/s, 5 s left, 12 calls, 2 dead letters`. While a
 * provider is out nobody knows how long the rest takes, and how fast it went before says nothing: `settled 120/300 after
 * 95 s, tushare daily is out since …, 12 calls`.
 */
export function describeProgress(progress: RequestProgress, elapsedMs: number): string {
  const { total, published, settled, calls, outcomes, outages = [] } = progress;
  const perSecond = elapsedMs > 0 ? settled / (elapsedMs / 1000) : 0;
  const parts = [`settled ${settled}/${total} after ${describeElapsed(elapsedMs)}`];
  if (published < total) {
    parts.unshift(`published ${published}/${total}`);
  }
  parts.push(...waitedFor(progress));
  if (settled > 0 && perSecond > 0 && outages.length === 0) {
    parts.push(`${perSecond.toFixed(1)}/s`);
    if (settled < total) {
      parts.push(`${describeSeconds((total - settled) / perSecond)} left`);
    }
  }
  parts.push(countOf(calls, "call"));
  const dead = outcomes["dead-letter"];
  if (dead > 0) {
    parts.push(countOf(dead, "dead letter"));
  }
  return parts.join(", ");
}

/** The providers that are out, and of the others what is asked of them now. */
function waitedFor({ outages = [], callsNow = [] }: RequestProgress): readonly string[] {
  const isOut = (call: { readonly provider: string; readonly api: string }): boolean =>
    outages.some(({ provider, api }) => provider === call.provider && api === call.api);
  return [
    ...outages.map(({ provider, api, since = "" }) => `${nameApi(provider, api)} is out since ${since}`),
    ...callsNow
      .filter((call) => !isOut(call))
      .map(({ provider, api, underWay, waiting }) => {
        const parts = [
          ...(underWay > 0 ? [`${countOf(underWay, "call")} under way`] : []),
          ...(waiting > 0 ? [`${countOf(waiting, "call")} ${waiting === 1 ? "waits" : "wait"} for its budget`] : []),
        ];
        return `${nameApi(provider, api)}: ${parts.join(" and ")}`;
      }),
  ].map((text) => printable(text));
}

function describeElapsed(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 2) {
    return `${Math.floor(ms / 1_000)} s`;
  }
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function describeSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 120 ? `${whole} s` : `${Math.ceil(whole / 60)} min`;
}
