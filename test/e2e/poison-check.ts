import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Message, Producer } from "../../src/ports/queue.ts";
import { headerOf } from "../../src/queue/dead-letter-headers.ts";
import type { PoisonCase, Written } from "./poison-table.ts";
import type { WorkerRig } from "./worker-rig.ts";

/** Held against the messages as they stand in their topic, so that what was published is what came back. */
export interface PoisonRun {
  readonly topic: string;
  readonly partitions: number;
  readonly cases: readonly PoisonCase[];
}

export interface RunFindings {
  readonly source: readonly Message[];
  readonly letters: readonly Message[];
  /** Outcome words by `partition/offset`. */
  readonly outcomes: ReadonlyMap<string, string>;
}

const OURS = "x-ginkgo-";
/** What a log line may show of a message's value. */
const SHOWN_BYTES_MAX = 200;
const LINE_BYTES_MAX = 1_200;
const never = new AbortController().signal;

/** Where case number `index` goes: one after the other over all partitions, from the first offset on. */
export function placeOf(index: number, { partitions }: Pick<PoisonRun, "partitions">): string {
  return `${index % partitions}/${Math.floor(index / partitions)}`;
}

/** One acknowledged before the next is sent to the same partition, so that places are known; `first` is a round's first. */
export async function publishCases(run: PoisonRun, producer: Producer, first = 0, end = Infinity): Promise<void> {
  const { topic, partitions, cases } = run;
  const until = Math.min(end, cases.length);
  for (let from = first; from < until; from += partitions) {
    const round = cases.slice(from, Math.min(until, from + partitions));
    await producer.publish(
      round.map(({ key, value, headers }, index) => ({ topic, partition: index, key, value, headers })),
      never,
    );
  }
}

/** What there is when all is settled, in Kafka or in an embedded folder that no worker holds. */
export async function findAll({ config, select }: Pick<WorkerRig, "config" | "select">): Promise<RunFindings> {
  const outcomes = await select<{ readonly place: string; readonly outcome: string }>(
    "SELECT concat(toString(partition), '/', toString(offset)) AS place, toString(outcome) AS outcome FROM @outcome_row FINAL",
  );
  await using tools = await openQueueTools(config, silentLog, never);
  return {
    source: await Array.fromAsync(tools.reader.read(config.worker.topic, never)),
    letters: await Array.fromAsync(tools.reader.read(config.kafka.deadLetterTopic, never)),
    outcomes: new Map(outcomes.map(({ place, outcome }) => [place, outcome])),
  };
}

/** Each bad message is one letter, as expected and to the byte; each other one has settled and is none. */
export function checkLetters(run: PoisonRun, { source, letters, outcomes }: RunFindings): void {
  assert.equal(source.length, run.cases.length);
  const sent = new Map(source.map((message) => [`${message.partition}/${message.offset}`, message]));
  const found = Map.groupBy(letters, (letter) => ours(letter, "origin"));
  const surprises: unknown[] = [];
  for (const [index, { what, letter, ...written }] of run.cases.entries()) {
    const place = placeOf(index, run);
    const message = sent.get(place) ?? assert.fail(`nothing was published at ${place}`);
    assert.equal(difference(message, written), undefined, `published: ${what}`);
    const here = found.get(`${run.topic}/${place}`) ?? [];
    const [one] = here;
    const expected = { letters: letter === undefined ? [] : [letter], isSettled: true, differs: undefined };
    const actual = {
      letters: here.map((each) => ({ reason: ours(each, "reason"), path: ours(each, "path") })),
      isSettled: letter === undefined ? isGood(outcomes.get(place)) : outcomes.get(place) === "dead-letter",
      differs: one && difference(one, written),
    };
    if (!isDeepStrictEqual(actual, expected)) {
      surprises.push({ what, detail: here.map((each) => ours(each, "detail")), expected, actual });
    }
  }
  assert.deepEqual(surprises, []);
  letters.forEach(checkOurs);
  assert.equal(letters.length, run.cases.filter(({ letter }) => letter !== undefined).length);
}

/**
 * Each bad message is one warn line and no other is one; no line shows the secret or a long piece of a value. What else
 * is said at this level has nothing to do with single messages.
 */
export function checkLines(run: PoisonRun, lines: readonly string[], secret: string): void {
  const cases = new Map(run.cases.map((one, index) => [placeOf(index, run), one]));
  const said = new Map<string, number>();
  for (const line of lines) {
    assert.ok(Buffer.byteLength(line) <= LINE_BYTES_MAX, `${Buffer.byteLength(line)} bytes: ${line.slice(0, 300)}`);
    for (let size = secret.length; size >= SECRET_PIECE; size = Math.floor(size / 2)) {
      assert.ok(!line.includes(secret.slice(0, size)), `shows ${size} characters of the secret: ${line}`);
    }
    const fields: unknown = JSON.parse(line);
    assert.ok(typeof fields === "object" && fields !== null, line);
    if (!("offset" in fields && "partition" in fields)) {
      continue;
    }
    const place = `${String(fields.partition)}/${String(fields.offset)}`;
    const one = cases.get(place) ?? assert.fail(`no case is at ${place}`);
    assertShowsLittle(Object.values(fields), one.value);
    if (one.letter !== undefined) {
      assert.ok("level" in fields && "msg" in fields, line);
      assert.deepEqual([fields.level, fields.msg], ["warn", "message set aside"], line);
      said.set(place, (said.get(place) ?? 0) + 1);
    }
  }
  const bad = run.cases.flatMap(({ letter }, index) =>
    letter === undefined ? [] : [[placeOf(index, run), 1] as const],
  );
  assert.deepEqual(said, new Map(bad));
}

const SECRET_PIECE = 12;

function assertShowsLittle(texts: readonly unknown[], value: Buffer | undefined): void {
  for (const text of texts) {
    const bytes = Buffer.from(typeof text === "string" ? text : "");
    for (let at = 0; at + SHOWN_BYTES_MAX < bytes.length; at += 1) {
      const piece = bytes.subarray(at, at + SHOWN_BYTES_MAX + 1);
      assert.ok(value?.includes(piece) !== true, `a line shows more than ${SHOWN_BYTES_MAX} bytes: ${String(text)}`);
    }
  }
}

/** What of a message is not as it was written, our own headers left aside. */
function difference(message: Message, { key, value, headers }: Written): string | undefined {
  if (!isSame(message.key, key)) {
    return "key";
  }
  if (!isSame(message.value, value)) {
    return "value";
  }
  const foreign = message.headers.filter(([name]) => !name.startsWith(OURS));
  const wanted = headers.filter(([name]) => !name.startsWith(OURS));
  const same = foreign.every(([name, one], index) => name === wanted[index]?.[0] && isSame(one, wanted[index][1]));
  return foreign.length === wanted.length && same ? undefined : "headers";
}

function isSame(left: Buffer | undefined, right: Buffer | undefined): boolean {
  return left === undefined || right === undefined ? left === right : left.equals(right);
}

function isGood(outcome: string | undefined): boolean {
  // A market of two days cannot explain why older ones are empty, where a message asks for them.
  return outcome === "stored" || outcome === "up-to-date" || outcome === "ignored" || outcome === "unexplained";
}

function checkOurs(letter: Message): void {
  assert.ok(Buffer.byteLength(ours(letter, "detail")) <= SHOWN_BYTES_MAX);
  assert.match(ours(letter, "detail"), /./);
  assert.match(ours(letter, "at"), /^\d{4}-\d\d-\d\dT/);
  assert.equal(ours(letter, "attempts"), "1");
  assert.equal(
    letter.headers.some(([name]) => name === `${OURS}stack`),
    false,
  );
  assert.equal(
    letter.headers.some(([name]) => name === `${OURS}sha256`),
    false,
    "it is whole",
  );
}

function ours(letter: Message, name: string): string {
  return headerOf(letter.headers, `${OURS}${name}`)?.toString("utf8") ?? "";
}
