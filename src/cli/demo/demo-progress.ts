import type { Clock } from "../../base/clock.ts";
import type { RequestProgress } from "../../app/app-api.ts";
import type { Output } from "../cli.ts";

/** Shows how far the demo has come: a bar that moves on a terminal, a line at each tenth elsewhere. */
export interface DemoProgress {
  show(progress: RequestProgress, calls: number): void;
  end(): void;
}

const BAR_WIDTH = 30;
const STEPS = 10;

export function createDemoProgress(output: Output, clock: Clock): DemoProgress {
  const startedMs = clock.elapsedMs();
  const isTerminal = output.isTTY === true;
  let shownStep = -1;
  let hasLine = false;
  return {
    show: (progress, calls) => {
      const line = describeDemo(progress, calls, clock.elapsedMs() - startedMs);
      if (isTerminal) {
        hasLine = true;
        output.write(`\r\u{1b}[2K${barOf(progress)} ${line}`);
        return;
      }
      const step = progress.total === 0 ? STEPS : Math.floor((progress.settled * STEPS) / progress.total);
      if (step > shownStep) {
        shownStep = step;
        output.write(`progress: ${line}\n`);
      }
    },
    end: () => {
      if (hasLine) {
        output.write("\n");
      }
    },
  };
}

/** Such as ` 50 %  150 of 300 settled  75.0/s  9 calls  2 s left`. */
export function describeDemo({ settled, total }: RequestProgress, calls: number, elapsedMs: number): string {
  const percent = total === 0 ? 100 : Math.floor((settled * 100) / total);
  const perSecond = elapsedMs > 0 ? settled / (elapsedMs / 1_000) : 0;
  const parts = [`${String(percent).padStart(3)} %`, `${settled} of ${total} settled`];
  if (settled > 0) {
    parts.push(`${perSecond.toFixed(1)}/s`);
  }
  parts.push(`${calls} ${calls === 1 ? "call" : "calls"}`);
  if (settled > 0 && settled < total) {
    parts.push(`${Math.ceil((total - settled) / perSecond)} s left`);
  }
  return parts.join("  ");
}

function barOf({ settled, total }: RequestProgress): string {
  const filled = total === 0 ? BAR_WIDTH : Math.round((settled * BAR_WIDTH) / total);
  return `[${"█".repeat(filled)}${"·".repeat(BAR_WIDTH - filled)}]`;
}
