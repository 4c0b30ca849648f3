import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";

import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../src/base/clock.ts";

export interface YahooAsked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface YahooReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Undefined resets the connection. */
  readonly body: string | Buffer | undefined;
}

/** A server that says what its script says to each request, and keeps what it was asked. */
export class ScriptedYahoo implements AsyncDisposable {
  readonly asked: YahooAsked[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    this.#server = server;
    this.url = `http://127.0.0.1:${address.port}`;
  }

  static async open(script: (asked: YahooAsked) => YahooReply | string): Promise<ScriptedYahoo> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const scripted = new ScriptedYahoo(server);
    server.on("request", (request, response) => {
      const url = new URL(request.url ?? "/", scripted.url);
      const asked = {
        path: url.pathname,
        query: url.searchParams,
        url: request.url ?? "",
        headers: request.headers,
      };
      scripted.asked.push(asked);
      const reply = script(asked);
      const { status = 200, headers = {}, body } = typeof reply === "string" ? { body: reply } : reply;
      if (body === undefined) {
        request.socket.resetAndDestroy();
      } else {
        response.writeHead(status, { "content-type": "application/json;charset=utf-8", ...headers }).end(body);
      }
    });
    return scripted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A clock that stands at an instant; sleeping moves it on at once. */
export function clockAt(instant: string): Clock & { readonly sleptMs: () => number } {
  const startMs = Temporal.Instant.from(instant).epochMilliseconds;
  let sleptMs = 0;
  return {
    ...systemClock,
    now: () => Temporal.Instant.fromEpochMilliseconds(startMs + sleptMs),
    nowMs: () => startMs + sleptMs,
    elapsedMs: () => sleptMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleptMs += ms;
    },
    sleptMs: () => sleptMs,
  };
}

/** Seconds since the epoch of a wall clock. */
export function stampOf(local: string, zone: string): number {
  return Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds / 1_000;
}

/** open, high, low, close, volume; null for a place without a bar. */
export type WireRow = readonly [
  stamp: number,
  row: readonly [number | null, number | null, number | null, number | null, number | null] | null,
];

export interface ChartForm {
  readonly symbol: string;
  readonly rows: readonly WireRow[];
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly events?: unknown;
  readonly granularity?: string;
}

const META = {
  SS: { currency: "CNY", exchangeTimezoneName: "Asia/Shanghai" },
  SZ: { currency: "CNY", exchangeTimezoneName: "Asia/Shanghai" },
  HK: { currency: "HKD", exchangeTimezoneName: "Asia/Hong_Kong" },
  US: { currency: "USD", exchangeTimezoneName: "America/New_York" },
} as const;

/** An answer as the provider writes it: prices as floats of 32 bits, widened. */
export function chartBody({ symbol, rows, meta, events, granularity = "1d" }: ChartForm): string {
  const end = symbol.split(".")[1];
  const own = META[end === "SS" || end === "SZ" || end === "HK" ? end : symbol === "^HSI" ? "HK" : "US"];
  const column = (at: number): readonly (number | null)[] =>
    rows.map(([, row]) => {
      const value = row?.[at] ?? null;
      return value === null || at === 4 ? value : Math.fround(value);
    });
  const quote = { close: column(3), low: column(2), volume: column(4), open: column(0), high: column(1) };
  const result = {
    meta: { ...own, symbol, dataGranularity: granularity, range: "", ...meta },
    ...(rows.length === 0 ? {} : { timestamp: rows.map(([stamp]) => stamp) }),
    ...(events === undefined ? {} : { events }),
    indicators: { quote: [rows.length === 0 ? {} : quote] },
  };
  return JSON.stringify({ chart: { result: [result], error: null } });
}

export function faultBody(code: string, description: string, key = "chart"): string {
  return JSON.stringify({ [key]: { result: null, error: { code, description } } });
}
