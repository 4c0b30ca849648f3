import { Temporal } from "temporal-polyfill";

import type { Command, Envelope, RangeRequest, Request, RequestPlaces } from "./command.ts";
import { dayAt, SHANGHAI, type Day } from "./day.ts";
import { cutUtf8, excerpt, MessageError } from "./message-error.ts";
import {
  fieldOf,
  isObject,
  readBoolean,
  readCodes,
  readDayCount,
  readFieldDay,
  readFrequency,
  readProvider,
  readWantsFactors,
  type Fields,
} from "./message-fields.ts";
import type { SecurityCode } from "./security-code.ts";
import { readWireTime } from "./wire-time.ts";

/** What the words on the wire mean to us (contract section 1). Nothing else reads them. */
export const WIRE_COMMANDS = {
  bar_snapshot: "sync-bars",
  update_data: "sync-bars",
  tick: "sync-ticks",
  adjustfactor: "sync-adjustment-factors",
  stockinfo: "sync-stock-list",
  trade_day: "sync-trading-calendar",
  heartbeat_test: "beat",
  update_selector: "ignore",
  paper_trading: "ignore",
  deploy: "ignore",
  unload: "ignore",
  reload: "ignore",
} as const satisfies Readonly<Record<string, Command["kind"]>>;

export type WireCommand = keyof typeof WIRE_COMMANDS;

export interface ParseOptions {
  /** A day after today in Shanghai is in the future. */
  readonly now: Temporal.Instant;
  readonly bytesMax?: number;
  readonly codesMax?: number;
}

export const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;
export const CODES_MAX = 10_000;

/** A producer whose clock is a little ahead of ours at midnight does not ask for the future. */
const CLOCK_SKEW_MS_MAX = 5 * 60_000;
/** Of an id of the producer: it stands on log lines, which show no more than 200 bytes of a message. */
export const ID_BYTES_MAX = 128;
const DECODER_OPTIONS = { fatal: true } as const;

/**
 * Unknown bytes to a typed request, or MessageError with the reason of the dead letter. Everything of a message that
 * says *what* is wanted is strict and nothing is guessed; what only says who asked and when never makes it fail.
 * Of two fields with one name the last counts, as in Ginkgo's own reader. A byte order mark is skipped.
 */
export function parseMessage(value: Buffer | undefined, options: ParseOptions): Request {
  const message: Fields = { object: parseObject(value, options.bytesMax ?? MESSAGE_BYTES_MAX), path: "$" };
  const word = fieldOf(message, "command");
  return {
    command: word === undefined ? toShortCommand(message, options) : toCommand(word, message, options),
    envelope: readEnvelope(message),
    places: placesOf(message, word === undefined),
  };
}

function placesOf(message: Fields, isShort: boolean): RequestPlaces {
  const path = isShort ? "$" : "$.params";
  const params = isShort ? message.object : fieldOf(message, "params");
  const hasList = isObject(params) && fieldOf({ object: params, path }, "codes") !== undefined;
  return { params: path, codes: `${path}.${hasList ? "codes" : "code"}` };
}

/** The JSON that asks for `command`: `parseMessage` reads it back to the same request. */
export function toWire(command: Command, envelope: Partial<Envelope> = {}): string {
  return JSON.stringify({
    command: wireWordOf(command),
    timestamp: envelope.askedAt?.toString(),
    source: envelope.askedBy,
    request_id: envelope.requestId,
    correlation_id: envelope.correlationId,
    params: toParams(command),
  });
}

function parseObject(value: Buffer | undefined, bytesMax: number): Readonly<Record<string, unknown>> {
  if (value === undefined || value.length === 0) {
    throw new MessageError("not-json", "$", "the message has no value");
  }
  if (value.length > bytesMax) {
    throw new MessageError("too-large", "$", `expected at most ${bytesMax} bytes, got ${value.length}`);
  }
  const json = parseJson(decode(value));
  if (!isObject(json)) {
    throw new MessageError("not-an-object", "$", `expected a JSON object, got ${excerpt(json)}`);
  }
  return json;
}

function decode(value: Buffer): string {
  try {
    return new TextDecoder("utf-8", DECODER_OPTIONS).decode(value);
  } catch {
    const start = excerpt(value.subarray(0, 40).toString("latin1"));
    throw new MessageError("not-json", "$", `the value is not UTF-8, it starts with ${start}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The parser's own text quotes the input, at a length we do not control.
    const where = error instanceof SyntaxError ? (/ at position \d+/.exec(error.message)?.[0] ?? "") : ": too deep";
    throw new MessageError("not-json", "$", `the value is not JSON${where}, it starts with ${excerpt(text)}`);
  }
}

/** `{code, timestamp, …}`: daily bars of the code up to the day of the timestamp. Parameters stand at top level. */
function toShortCommand(message: Fields, options: ParseOptions): Command {
  const codes = readCodes(message, options.codesMax ?? CODES_MAX);
  if (codes === undefined) {
    throw new MessageError("missing-parameter", "$.command", "expected a command, or a code in the short form");
  }
  const params = fieldOf(message, "params");
  if (params !== undefined && !(isObject(params) && Object.keys(params).length === 0)) {
    throw new MessageError("bad-parameter", "$.params", "in the short form the parameters stand at top level");
  }
  return toBars(codes, message, readTimestampDay(message), options);
}

function toCommand(word: unknown, message: Fields, options: ParseOptions): Command {
  if (typeof word !== "string" || !isWireCommand(word)) {
    throw new MessageError("unknown-command", "$.command", `no such command: ${excerpt(word)}`);
  }
  const kind = WIRE_COMMANDS[word];
  if (kind === "beat") {
    return { kind };
  }
  if (kind === "ignore") {
    return { kind, wireCommand: word };
  }
  const params = readParams(message);
  if (kind === "sync-stock-list" || kind === "sync-trading-calendar") {
    return { kind, force: readForce(params), provider: readProvider(params) };
  }
  const codes = readCodes(params, options.codesMax ?? CODES_MAX);
  if (codes === undefined) {
    return withoutCode(word, message);
  }
  return kind === "sync-bars"
    ? toBars(codes, params, undefined, options)
    : { kind, ...readOverCodes(codes, params, undefined, options) };
}

/** A `bar_snapshot` that names no code is another component's; a code in the wrong place is a mistake, not that. */
function withoutCode(word: WireCommand, message: Fields): Command {
  for (const name of ["code", "codes"]) {
    if (fieldOf(message, name) !== undefined) {
      throw new MessageError("bad-parameter", `$.${name}`, `beside a command, ${name} stands in params`);
    }
  }
  if (word === "bar_snapshot") {
    return { kind: "ignore", wireCommand: word };
  }
  throw new MessageError("missing-parameter", "$.params.code", `${word} needs code or codes`);
}

function toBars(
  codes: readonly SecurityCode[],
  params: Fields,
  endByTimestamp: Day | undefined,
  options: ParseOptions,
): Command {
  return {
    kind: "sync-bars",
    ...readOverCodes(codes, params, endByTimestamp, options),
    frequency: readFrequency(params),
    withFactors: readWantsFactors(params),
  };
}

function readOverCodes(
  codes: readonly SecurityCode[],
  params: Fields,
  endByTimestamp: Day | undefined,
  options: ParseOptions,
) {
  return {
    codes,
    range: readRange(params, endByTimestamp, options),
    force: readForce(params),
    provider: readProvider(params),
  };
}

/** An explicit first day beats `full`, which beats `days`, so at most one of the three is left. */
function readRange(params: Fields, endByTimestamp: Day | undefined, options: ParseOptions): RangeRequest {
  const full = readBoolean(params, "full");
  const start = readFieldDay(params, "start_date");
  const endGiven = readFieldDay(params, "end_date");
  const days = readDayCount(params);
  const end = endGiven ?? endByTimestamp;
  if (start !== undefined && end !== undefined && start > end) {
    throw new MessageError("start-after-end", `${params.path}.start_date`, `${start} lies after ${end}`);
  }
  const today = dayAt(options.now.add({ milliseconds: CLOCK_SKEW_MS_MAX }), SHANGHAI);
  refuseFuture(start, today, `${params.path}.start_date`);
  refuseFuture(end, today, endGiven === undefined ? `${params.path}.timestamp` : `${params.path}.end_date`);
  const isFull = full && start === undefined;
  return { full: isFull, start, end, days: start === undefined && !isFull ? days : undefined };
}

function refuseFuture(day: Day | undefined, today: Day, path: string): void {
  if (day !== undefined && day > today) {
    throw new MessageError("future-day", path, `${day} lies after today, ${today} in Shanghai`);
  }
}

function readForce(params: Fields): boolean {
  const force = readBoolean(params, "force");
  return readBoolean(params, "overwrite") || force;
}

function readParams(message: Fields): Fields {
  const params = fieldOf(message, "params");
  if (params !== undefined && !isObject(params)) {
    throw new MessageError("bad-parameter", "$.params", `expected an object, got ${excerpt(params)}`);
  }
  return { object: params ?? {}, path: "$.params" };
}

function readTimestampDay(message: Fields): Day | undefined {
  const value = fieldOf(message, "timestamp");
  const time = readWireTime(value);
  if (value !== undefined && time === undefined) {
    const expected = "expected a day or an ISO 8601 time such as 2024-01-01T15:30:00+08:00";
    throw new MessageError("bad-parameter", "$.timestamp", `${expected}, got ${excerpt(value)}`);
  }
  return time?.day;
}

function readEnvelope(message: Fields): Envelope {
  return {
    requestId: readId(message, "request_id"),
    correlationId: readId(message, "correlation_id"),
    askedBy: readId(message, "source"),
    askedAt: readWireTime(fieldOf(message, "timestamp"))?.at,
  };
}

function readId(message: Fields, name: string): string | undefined {
  const value = fieldOf(message, name);
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text !== "" ? cutUtf8(text, ID_BYTES_MAX) : undefined;
}

function isWireCommand(word: string): word is WireCommand {
  return Object.hasOwn(WIRE_COMMANDS, word);
}

function wireWordOf(command: Command): string {
  if (command.kind === "ignore") {
    return command.wireCommand;
  }
  const words = Object.keys(WIRE_COMMANDS).filter(isWireCommand);
  const word = words.find((candidate) => WIRE_COMMANDS[candidate] === command.kind);
  if (word === undefined) {
    throw new RangeError(`no word of the wire means ${command.kind}`);
  }
  return word;
}

function toParams(command: Command): Readonly<Record<string, unknown>> {
  if (command.kind === "beat" || command.kind === "ignore") {
    return {};
  }
  const { force, provider } = command;
  if (command.kind === "sync-stock-list" || command.kind === "sync-trading-calendar") {
    return { force, provider };
  }
  const { full, start, end, days } = command.range;
  const params = { codes: command.codes, start_date: start, end_date: end, days, full, force, provider };
  return command.kind === "sync-bars"
    ? { ...params, frequency: command.frequency, adjust_type: command.withFactors ? "hfq" : "none" }
    : params;
}
