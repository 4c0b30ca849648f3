import { Agent, EnvHttpProxyAgent, request, type Dispatcher } from "undici";

import { DataError } from "../../base/errors.ts";
import { translate } from "./errors.ts";
import { ACCEPT_ENCODING, unpack } from "./unpack.ts";

export interface HttpClientOptions {
  /** From the call to the last byte of its answer. Default 30 s. */
  readonly callMsMax?: number;
  /** Default 64 MiB, once packed and once unpacked. */
  readonly bodyBytesMax?: number;
  /** Connections kept open at once to one host. Default 8. */
  readonly connectionsMax?: number;
  /** False ignores HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Default true; this machine itself is never asked for through a proxy. */
  readonly useProxy?: boolean;
  /** Takes secrets out of a text that may end in a log. */
  readonly redact?: (text: string) => string;
}

export interface HttpRequest {
  readonly url: URL;
  /** POST where there is a body, otherwise GET. */
  readonly body?: string;
  /** Names in lower case; `accept-encoding` is set here. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  readonly status: number;
  /** Every value of a header by its name in lower case; empty where the answer has none. */
  readonly header: (name: string) => readonly string[];
  /** Unpacked. */
  readonly body: Buffer;
}

/**
 * Makes one request a call; a redirect is an answer like any other. Whatever the network or the packing does is
 * TransientError (DroppedError where no answer had begun), a body beyond its bound DataError, a refused certificate PermanentError with scope "provider"; `doing`
 * begins the text. What a status means is the caller's to say.
 */
export interface HttpClient extends AsyncDisposable {
  send(request: HttpRequest, doing: string, signal: AbortSignal): Promise<HttpAnswer>;
}

export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { callMsMax = 30_000, bodyBytesMax = 64 * 1024 * 1024, redact = (text) => text } = options;
  const dispatcher = createDispatcher(options);

  async function exchange(
    { url, body, headers }: HttpRequest,
    doing: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const sent = request(url, {
      method: body === undefined ? "GET" : "POST",
      dispatcher,
      signal,
      headers: { ...headers, "accept-encoding": ACCEPT_ENCODING },
      ...(body === undefined ? {} : { body }),
    });
    const response = await sent.catch((error: unknown) => {
      throw signal.aborted ? error : translate(error, doing, redact, false);
    });
    const header = (name: string): readonly string[] => [response.headers[name] ?? []].flat();
    const packed = await readBounded(response.body, bodyBytesMax, doing);
    return {
      status: response.statusCode,
      header,
      body: await unpack(packed, header("content-encoding"), bodyBytesMax),
    };
  }

  return {
    async send(asked, doing, signal) {
      signal.throwIfAborted();
      try {
        return await exchange(asked, doing, AbortSignal.any([signal, AbortSignal.timeout(callMsMax)]));
      } catch (error) {
        signal.throwIfAborted();
        throw translate(error, doing, redact);
      }
    },
    // Answers still under way are dropped: whoever closes the client has stopped waiting for them.
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

/** TypeError on what is no http or https address; `doing` begins its text. */
export function parseBaseUrl(text: string, doing: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(`${doing}: expected an http or https address, got ${JSON.stringify(text)}`);
  }
  return url;
}

function createDispatcher(options: HttpClientOptions): Dispatcher {
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
