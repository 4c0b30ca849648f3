import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";

import { Agent, EnvHttpProxyAgent, request, type Dispatcher } from "undici";

import type { Clock } from "../../base/clock.ts";
import { DataError, TransientError } from "../../base/errors.ts";
import { excerptOf, parseBody, readEnvelope, readTable, type TushareTable } from "./envelope.ts";
import { redact, toAnswerError, toStatusError, translate } from "./errors.ts";

export const TUSHARE_URL = "http://api.tushare.pro";

export interface TushareRequest {
  readonly api: string;
  readonly params: Readonly<Record<string, string>>;
  /** The columns wanted; some are hidden unless named. */
  readonly fields: readonly string[];
}

export interface TushareClientOptions {
  readonly token: string;
  readonly clock: Clock;
  /** `http` or `https`; with a path such as `/dataapi` it is kept. Default `TUSHARE_URL`. */
  readonly baseUrl?: string;
  /** From the call to the last byte of its answer. Default 30 s, as in the provider's own client. */
  readonly callMsMax?: number;
  /** Default 64 MiB, once packed and once unpacked; a page of 6,000 daily rows has about half of one. */
  readonly bodyBytesMax?: number;
  /** Connections kept open at once. Default 8. */
  readonly connectionsMax?: number;
  /** False ignores HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Default true; this machine itself is never asked for through a proxy. */
  readonly useProxy?: boolean;
}

/** Makes one POST a call. Throws the kinds of `errors.ts`; no text of them has the token. */
export interface TushareClient extends AsyncDisposable {
  call(request: TushareRequest, signal: AbortSignal): Promise<TushareTable>;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

const UNPACKERS = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/** Throws TypeError on an empty token and on a base URL that is none. */
export function createTushareClient(options: TushareClientOptions): TushareClient {
  const { token, clock, callMsMax = 30_000, bodyBytesMax = 64 * 1024 * 1024 } = options;
  if (token === "") {
    throw new TypeError("opening Tushare: the token is empty");
  }
  const url = parseBaseUrl(options.baseUrl ?? TUSHARE_URL);
  const dispatcher = createDispatcher(options);

  async function post(body: string, doing: string, signal: AbortSignal): Promise<Answer> {
    const response = await request(url, {
      method: "POST",
      dispatcher,
      body,
      signal,
      headers: { "content-type": "application/json", "accept-encoding": "gzip, deflate" },
    });
    const packed = await readBounded(response.body, bodyBytesMax, doing);
    return {
      status: response.statusCode,
      retryAfter: oneOf(response.headers["retry-after"]),
      body: await unpack(packed, oneOf(response.headers["content-encoding"]), bodyBytesMax),
    };
  }

  return {
    async call({ api, params, fields }, signal) {
      signal.throwIfAborted();
      const doing = `calling tushare ${api}`;
      const body = JSON.stringify({ api_name: api, token, params, fields: fields.join(",") });
      try {
        const answer = await post(body, doing, AbortSignal.any([signal, AbortSignal.timeout(callMsMax)]));
        return readAnswer(answer, doing, token, clock);
      } catch (error) {
        signal.throwIfAborted();
        throw translate(error, doing, token);
      }
    },
    // Answers still under way are dropped: whoever closes the client has stopped waiting for them.
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

/**
 * An envelope is believed whatever the HTTP status, since business errors come with status 200 and gateways may send
 * them with another. A status of 400 or more is never a success.
 */
function readAnswer(answer: Answer, doing: string, token: string, clock: Clock): TushareTable {
  const isRefused = answer.status >= 400;
  const excerpt = redact(excerptOf(answer.body), token);
  const envelope = readEnvelope(parseBody(answer.body));
  if (envelope !== undefined && envelope.code !== 0) {
    throw toAnswerError(envelope.code, envelope.text, doing, token, clock);
  }
  if (isRefused) {
    throw toStatusError(answer.status, answer.retryAfter, excerpt, doing);
  }
  if (envelope === undefined) {
    throw new TransientError(`${doing}: expected an answer with a code, got ${excerpt}`);
  }
  return readTable(envelope.data, doing);
}

function parseBaseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(`opening Tushare: expected an http or https address, got ${JSON.stringify(text)}`);
  }
  return url;
}

function createDispatcher(options: TushareClientOptions): Dispatcher {
  const settings = {
    connections: options.connectionsMax ?? 8,
    keepAliveTimeout: 30_000,
    pipelining: 1,
    // Only `callMsMax` bounds a call; the library's own bounds of 300 s would cut a longer one short.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (options.useProxy === false) {
    return new Agent(settings);
  }
  const excluded = process.env["no_proxy"] ?? process.env["NO_PROXY"] ?? "";
  // Without tunnels, since many proxies allow CONNECT to port 443 only; https is tunnelled all the same.
  return new EnvHttpProxyAgent({
    ...settings,
    proxyTunnel: false,
    noProxy: excluded === "*" ? "*" : `${excluded},127.0.0.1,localhost,[::1]`,
  });
}

async function readBounded(body: AsyncIterable<Uint8Array>, bytesMax: number, doing: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early destroys the body and with it the connection.
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > bytesMax) {
      throw new DataError(`${doing}: the answer is larger than ${bytesMax} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}

async function unpack(packed: Buffer, encoding: string | undefined, bytesMax: number): Promise<string> {
  const name = (encoding ?? "identity").trim().toLowerCase();
  if (name === "gzip" || name === "deflate") {
    return (await UNPACKERS[name](packed, { maxOutputLength: bytesMax })).toString("utf8");
  }
  return packed.toString("utf8");
}

function oneOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
