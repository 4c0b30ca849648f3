import type { Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { nameOf, TdxConnection, type ConnectionTimes, type TdxServer } from "./connection.ts";
import { HollowAnswerError, StaleHostError } from "./errors.ts";
import { kLines } from "./k-lines.ts";

/** How long a host is left alone after what. */
const BENCH_MS = { failed: 30_000, stale: 600_000, hollow: 1_800_000 } as const;

/** The composite index: every host that serves anything has it, and its newest bar tells how new its data are. */
const INDEX = parseSecurityCode("000001.SH");

/** One server and what is known of it. */
export class TdxHost {
  readonly server: TdxServer;
  readonly name: string;
  /** How long it took to accept; undefined before the first time. */
  connectMs: number | undefined;
  /** Of the index, when last looked. */
  newestDay: Day | undefined;
  /** Calls that hold one of its connections. */
  leases = 0;
  readonly idle: TdxConnection[] = [];
  readonly #clock: Clock;
  #benchedUntilMs = -Infinity;
  /** When the connection last answered with a real bar. */
  readonly #checkedMs = new WeakMap<TdxConnection, number>();

  constructor(server: TdxServer, clock: Clock) {
    this.server = server;
    this.#clock = clock;
    this.name = nameOf(server);
  }

  isUsable(nowMs: number): boolean {
    return nowMs >= this.#benchedUntilMs;
  }

  /** Leaves the host alone for as long as the error asks for. */
  bench(error: unknown, nowMs: number): void {
    const why = error instanceof HollowAnswerError ? "hollow" : error instanceof StaleHostError ? "stale" : "failed";
    this.#benchedUntilMs = nowMs + BENCH_MS[why];
  }

  forgive(): void {
    this.#benchedUntilMs = -Infinity;
  }

  /** A greeted connection that has brought a real bar: many hosts take connections and serve nothing. */
  async open(times: ConnectionTimes, signal: AbortSignal): Promise<TdxConnection> {
    const connection = await TdxConnection.open(this.server, times, signal);
    this.connectMs = connection.connectMs;
    try {
      await this.check(connection, signal);
      return connection;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Asks for the newest bar of the index; HollowAnswerError where there is none. */
  async check(connection: TdxConnection, signal: AbortSignal): Promise<void> {
    const question = { code: INDEX, interval: "1d", start: 0, count: 1, isIndex: true } as const;
    const [bar] = await connection.ask(kLines(question), signal);
    if (bar === undefined) {
      throw new HollowAnswerError(`asking ${this.name} for the index: the answer is hollow, it has no bar`);
    }
    try {
      this.newestDay = parseDay(bar.date);
    } catch (error) {
      throw new TransientError(`asking ${this.name} for the index: a bar of ${bar.date}`, { cause: error });
    }
    this.#checkedMs.set(connection, this.#clock.elapsedMs());
  }

  checkedMs(connection: TdxConnection): number {
    return this.#checkedMs.get(connection) ?? -Infinity;
  }

  /** Of the idle connections one that is still open. */
  takeIdle(): TdxConnection | undefined {
    for (;;) {
      const connection = this.idle.pop();
      if (connection === undefined || connection.isOpen) {
        return connection;
      }
    }
  }
}
