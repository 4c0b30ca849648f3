import {
  destination,
  type DestinationStream,
  multistream,
  pino,
  stdTimeFunctions,
  type Level,
  type Logger,
  type StreamEntry,
} from "pino";

import { describeError, PermanentError } from "./errors.ts";
import type { Log, LogFields } from "./log.ts";
import { createRedactor, type Redactor } from "./redact.ts";
import { openRotatingFile, type RotatingFile } from "./rotating-file.ts";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** `auto` is pretty when the output is a terminal and JSON lines elsewhere. */
  readonly format: "auto" | "json" | "pretty";
  /** Gets the JSON lines as well. */
  readonly file: { readonly path: string; readonly bytesMax: number; readonly backupsMax: number } | undefined;
  /** Are left out wherever they stand. */
  readonly secrets: readonly string[];
  /** 1 for standard output, 2 for standard error, where standard output carries an answer. */
  readonly descriptor: 1 | 2;
  /** Stand on every line. */
  readonly fields?: LogFields;
}

/** A log that has to be closed, so that its last line is written. */
export type OpenLog = Log & Disposable;

/**
 * Opens the log over pino: one event a line, time in ISO 8601, level as a word. Everything is written at once, so a crash
 * loses no line. PermanentError (settings) when the file cannot be opened; later an output that takes no line, as on a full disk,
 * loses it and never fails the work: one warning goes where lines are still taken.
 */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  const isTerminal = options.descriptor === 1 ? process.stdout.isTTY : process.stderr.isTTY;
  const isPretty = options.format === "pretty" || (options.format === "auto" && isTerminal);
  const rotating = options.file && openFile(options.file);
  const output = isPretty ? await openPretty(options.descriptor) : openOutput(options.descriptor);
  // Pino drops what is below the level of a stream, so each takes everything and the logger alone decides.
  const all = { level: "trace" as const satisfies Level };
  const streams: StreamEntry[] = [{ ...all, stream: output }];
  if (rotating !== undefined) {
    streams.push({ ...all, stream: toFile(rotating, createPinoLog(output, options)) });
  }
  const log = createPinoLog(multistream(streams), options);
  return { ...log, [Symbol.dispose]: () => rotating?.[Symbol.dispose]() };
}

/** Waiting for an output that takes nothing; what is more is lost. */
const UNWRITTEN_BYTES_MAX = 1024 * 1024;

function openOutput(descriptor: 1 | 2): DestinationStream {
  const output = destination({ dest: descriptor, sync: true, maxLength: UNWRITTEN_BYTES_MAX });
  // There is nobody left to tell, and work goes on without its log.
  output.on("error", () => undefined);
  return output;
}

function openFile(file: NonNullable<LogOptions["file"]>): RotatingFile {
  try {
    return openRotatingFile(file.path, file);
  } catch (error) {
    throw new PermanentError(
      `opening the log file ${file.path}: ${describeError(error)}; give logging.file a path that can be written`,
      "settings",
      { cause: error },
    );
  }
}

/** Lines that the file does not take are in the other output only; `log` writes there alone. */
function toFile(file: RotatingFile, log: Log): { write(line: string): void } {
  let lost = 0;
  let isFull = false;
  const sayWhetherFull = (): void => {
    const { trouble } = file;
    if (trouble !== undefined && !isFull) {
      log.warn("log file is full and cannot be put aside, it grows", { why: describeError(trouble) });
    }
    isFull = trouble !== undefined;
  };
  return {
    write: (line) => {
      try {
        file.write(line);
        sayWhetherFull();
        if (lost > 0) {
          log.info("log file is written again", { lost });
          lost = 0;
        }
      } catch (error) {
        lost += 1;
        if (lost === 1) {
          log.warn("log file cannot be written, work goes on without it", { why: describeError(error) });
        }
      }
    },
  };
}

/** The log without its outputs: writes JSON lines to `stream`. */
export function createPinoLog(
  stream: { write(line: string): void },
  { level, secrets, fields = {} }: Pick<LogOptions, "level" | "secrets" | "fields">,
): Log {
  const redactor = createRedactor(secrets);
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(pino(options, stream).child(clean(fields, redactor)), redactor);
}

function wrap(logger: Logger, redactor: Redactor): Log {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (event: string, fields: LogFields = {}): void => {
      if (logger.isLevelEnabled(level)) {
        logger[level](clean(fields, redactor), redactor.text(event));
      }
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(logger.child(clean(fields, redactor)), redactor),
  };
}

/** Undefined fields are left out, and none takes the place of the line's own. */
function clean(fields: LogFields, redactor: Redactor): Record<string, unknown> {
  const own = new Set(["level", "time", "msg"]);
  const renamed = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [own.has(name) ? `${name}_` : name, value]),
  );
  return Object.fromEntries(Object.entries(Object(redactor.value(renamed))));
}

async function openPretty(descriptor: 1 | 2): Promise<NodeJS.WritableStream> {
  const { PinoPretty } = await import("pino-pretty");
  return PinoPretty({ destination: descriptor, sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss.l" });
}
