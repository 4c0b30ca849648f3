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

export function createProgressLine(output: Output, clock: Clock): ProgressLine {
  return createLineOf(describeProgress, output, clock);
}

/** The same for other work; `describe` is told how long it has been going on. */
export function createLineOf<Progress>(
  describe: (progress: Progress, elapsedMs: number) => string,
  output: Output,
  clock: Clock,
): ProgressLine<Progress> {
  const startedMs = clock.elapsedMs();
  const isTerminal = output.isTTY === true;
  const pauseMs = isTerminal ? TERMINAL_MS_MIN : PLAIN_MS_MIN;
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
      latest = describe(progress, nowMs - startedMs);
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

/**
 * Such as `settled 120/300, 40.1/s, 5 s left, 12 calls, 2 dead letters`. While a provider is out nobody knows how long the
 * rest takes, and how fast it went before says nothing: `settled 120/300, 12 calls, tushare daily is out since …`.
 */
export function describeProgress(progress: RequestProgress, elapsedMs: number): string {
  const { total, published, settled, calls, outcomes, outages = [] } = progress;
  const perSecond = elapsedMs > 0 ? settled / (elapsedMs / 1000) : 0;
  const parts = [`settled ${settled}/${total}`];
  if (published < total) {
    parts.unshift(`published ${published}/${total}`);
  }
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
  parts.push(
    ...outages.map(({ provider, api, since = "" }) => printable(`${nameApi(provider, api)} is out since ${since}`)),
  );
  return parts.join(", ");
}

export function describeSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 120 ? `${whole} s` : `${Math.ceil(whole / 60)} min`;
}
