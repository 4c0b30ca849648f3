import { once } from "node:events";
import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";

import { TransientError } from "../../base/errors.ts";
import { StorePressureError } from "../pressure-error.ts";

export interface HttpInsertOptions {
  /** `http://host:8123` or `https://host:8443`, with a path where a proxy wants one. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly tls: { readonly ca: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined;
  /** How long the connection may be silent. */
  readonly requestMs: number;
  /** How long one insert may take in all, from the first byte we send to the last one of the answer. */
  readonly insertMs: number;
  readonly connectionsMax: number;
}

/** Posts the bodies of inserts. */
export interface HttpInserter {
  /**
   * Resolves when the server has answered that the insert is done; throws what it said, or what the network did. Ends
   * within `insertMs`, whatever the server does: then with a StorePressureError (`time`), and the connection is closed.
   */
  send(
    sql: string,
    body: Iterable<Buffer>,
    settings: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void>;
  close(): void;
}

/**
 * The client library waits for a timer of a millisecond before each request and sends a body in chunks: 1.8 ms an insert
 * against 0.5 of this one, which is two thirds of an insert of 1,000 rows. So inserts go by `node:http`, with a length and
 * the whole body at once; everything else goes by the library.
 */
export function openHttpInserter(options: HttpInsertOptions): HttpInserter {
  const isSecure = new URL(options.url).protocol === "https:";
  const agentOptions = { keepAlive: true, maxSockets: options.connectionsMax, ...options.tls };
  const agent = isSecure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  const request = isSecure ? requestHttps : requestHttp;
  const authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString("base64")}`;

  async function post(target: URL, body: Iterable<Buffer>, deadline: Deadline, isRepeat: boolean): Promise<void> {
    const length = lengthOf(body);
    const headers = {
      authorization,
      "content-type": "application/octet-stream",
      ...(length === undefined ? {} : { "content-length": length }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const init: RequestOptions = {
      method: "POST",
      agent,
      headers,
      signal: deadline.signal,
      timeout: options.requestMs,
    };
    // What Node has taken from us may still be on its way when somebody answers.
    let isSent = false;
    const sent = request(target, init, (response) => {
      isSent = sent.writableFinished;
      resolve(response);
    });
    sent.on("error", reject);
    sent.on("timeout", () => {
      sent.destroy(
        new TransientError(`inserting into ClickHouse: ${target.host} was silent for ${options.requestMs} ms`),
      );
    });
    let answer: IncomingMessage;
    try {
      [answer] = await Promise.all([promise, writeBody(sent, body)]);
    } catch (error) {
      sent.destroy();
      deadline.throwIfOver();
      // The server may close an idle connection in the moment we use it. An insert can be repeated, so it is, once.
      if (sent.reusedSocket && !isRepeat && isReset(error)) {
        return post(target, body, deadline, true);
      }
      throw error;
    }
    try {
      await readAnswer(answer);
    } catch (error) {
      deadline.throwIfOver();
      throw error;
    } finally {
      if (!isSent) {
        // A body that was cut off must not look like one that has ended, and its connection serves nobody any more.
        sent.destroy();
      }
    }
    if (!isSent) {
      throw new TransientError(`inserting into ClickHouse: ${target.host} said done before it had all rows`);
    }
  }

  return {
    send: async (sql, body, settings, signal) => {
      const target = new URL(options.url);
      target.search = new URLSearchParams({ ...settings, wait_end_of_query: "1", query: sql }).toString();
      using deadline = new Deadline(options.insertMs, target.host, signal);
      await post(target, body, deadline, false);
    },
    close: () => {
      agent.destroy();
    },
  };
}

/** Aborting its signal is what closes the connection, at whatever stage the insert then is. */
class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #over = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number, host: string, signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#over.signal]);
    this.#timer = setTimeout(() => {
      const words = `no acknowledgement from ${host} within ${ms} ms (clickhouse.insert_timeout_ms)`;
      this.#over.abort(new StorePressureError(`inserting into ClickHouse: ${words}`, "time"));
    }, ms);
  }

  /** What was thrown then is only what became of the closed connection. */
  throwIfOver(): void {
    this.#over.signal.throwIfAborted();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/**
 * While the server reads one piece the next is made. Ends early, without an error of its own, when the request failed or
 * the server answered before it had everything: what it said then comes from the answer.
 */
async function writeBody(sent: ClientRequest, body: Iterable<Buffer>): Promise<void> {
  const over = new AbortController();
  const end = () => {
    over.abort();
  };
  sent.once("response", end);
  sent.once("error", end);
  let taken: Promise<unknown> | undefined;
  for (const piece of body) {
    await taken;
    if (over.signal.aborted) {
      return;
    }
    taken = sent.write(piece) ? undefined : once(sent, "drain", { signal: over.signal }).catch(() => undefined);
  }
  sent.end();
}

/** Known where there is one piece; several are sent as chunks, since the later ones do not exist yet. */
function lengthOf(body: Iterable<Buffer>): number | undefined {
  return Array.isArray(body) && body.length === 1 && Buffer.isBuffer(body[0]) ? body[0].length : undefined;
}

/** Error texts have a stack at their end; nobody needs more of them. */
const ANSWER_LENGTH_MAX = 4096;

/**
 * The answer to an insert that was done is empty. One with a text is none, whatever its status: a server that was made to
 * send headers early (`send_progress_in_http_headers`) fails with 200, and so do the pages of proxies.
 */
async function readAnswer(answer: IncomingMessage): Promise<void> {
  let text = "";
  answer.setEncoding("utf8");
  for await (const piece of answer as AsyncIterable<string>) {
    text = (text + piece).slice(0, ANSWER_LENGTH_MAX);
  }
  const code = answer.headers["x-clickhouse-exception-code"];
  if (answer.statusCode !== 200 || code !== undefined || text.trim() !== "") {
    const said = text === "" ? `status ${answer.statusCode ?? 0} without a text` : text;
    throw typeof code === "string" ? Object.assign(new Error(said), { code }) : new Error(said);
  }
}

function isReset(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
