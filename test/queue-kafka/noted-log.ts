import type { Log, LogFields } from "../../src/base/log.ts";

/** A log that remembers, so that a test can count what happened inside: joins, reopened streams. */
export interface NotedLog extends Log {
  readonly lines: readonly { readonly event: string; readonly fields: LogFields }[];
  count(event: string): number;
}

export function createNotedLog(): NotedLog {
  const lines: { readonly event: string; readonly fields: LogFields }[] = [];
  const note = (event: string, fields: LogFields = {}): void => {
    lines.push({ event, fields });
  };
  const log: NotedLog = {
    lines,
    count: (event) => lines.filter((line) => line.event === event).length,
    debug: note,
    info: note,
    warn: note,
    error: note,
    child: () => log,
  };
  return log;
}
