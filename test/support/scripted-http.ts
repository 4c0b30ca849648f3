import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** One request as it came. */
export interface HttpAsked {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What the script does with a request: a text is answered with status 200. */
export type HttpReply =
  | string
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | ((response: ServerResponse, socket: Socket) => void);

/** A server that answers as a test says, and remembers what it was asked. */
export class ScriptedHttp implements AsyncDisposable {
  readonly asked: HttpAsked[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async open(reply: (asked: HttpAsked, count: number) => HttpReply): Promise<ScriptedHttp> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const scripted = new ScriptedHttp(server, typeof address === "object" && address !== null ? address.port : 0);
    server.on("request", (request, response) => void scripted.#answer(request, response, reply));
    return scripted;
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    reply: (asked: HttpAsked, count: number) => HttpReply,
  ): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) {
        pieces.push(piece as Buffer);
      }
    } catch {
      // The client went away before its request was whole.
      return;
    }
    const { method = "", url = "", headers } = request;
    const asked = { method, url, headers, body: Buffer.concat(pieces).toString("utf8") };
    this.asked.push(asked);
    const said = reply(asked, this.asked.length);
    if (typeof said === "function") {
      said(response, request.socket);
    } else if (typeof said === "string") {
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(said);
    } else {
      response.writeHead(said.status, { "content-type": "text/plain; charset=utf-8", ...said.headers }).end(said.body);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
