import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";

import { systemClock } from "../../src/base/clock.ts";
import type { Source } from "../../src/ports/source.ts";
import { openTushareSource, type TushareSourceOptions } from "../../src/sources/tushare/source.ts";

const TOKEN = "0123456789abcdef".repeat(3) + "01234567";

export interface TushareAsked {
  readonly api_name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly fields: string;
}

/** A server that answers every call with what `script` says, the body's text. */
export class ScriptedTushare implements AsyncDisposable {
  readonly source: Source;
  readonly asked: TushareAsked[];
  readonly #server: Server;

  private constructor(server: Server, asked: TushareAsked[], options: Partial<TushareSourceOptions>) {
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    this.#server = server;
    this.asked = asked;
    const baseUrl = `http://127.0.0.1:${address.port}`;
    this.source = openTushareSource({ token: TOKEN, clock: systemClock, baseUrl, useProxy: false, ...options });
  }

  static async open(
    script: (asked: TushareAsked) => string,
    options: Partial<TushareSourceOptions> = {},
  ): Promise<ScriptedTushare> {
    const asked: TushareAsked[] = [];
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        const call = JSON.parse(Buffer.concat(pieces).toString("utf8")) as TushareAsked;
        asked.push(call);
        response.end(script(call));
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ScriptedTushare(server, asked, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source[Symbol.asyncDispose]();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A success with these columns, rows as JSON texts. */
export function tableBody(fields: string, items: readonly string[], hasMore: boolean | "untold" = false): string {
  const more = hasMore === "untold" ? "" : `,"has_more":${hasMore}`;
  const columns = JSON.stringify(fields.split(","));
  return `{"request_id":"1","code":0,"msg":"","data":{"fields":${columns},"items":[${items.join(",")}]${more},"count":-1}}`;
}
