import type { Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { createHttpClient, parseBaseUrl, type HttpAnswer, type HttpClientOptions } from "../http/client.ts";
import { excerptOf, parseBody } from "../http/json-text.ts";
import { readEnvelope, readTable, type TushareTable } from "./envelope.ts";
import { redact, toAnswerError, toStatusError } from "./errors.ts";

export const TUSHARE_URL = "http://api.tushare.pro";

export interface TushareRequest {
  readonly api: string;
  readonly params: Readonly<Record<string, string>>;
  /** The columns wanted; some are hidden unless named. */
  readonly fields: readonly string[];
}

/** A page of 6,000 daily rows has about half a MiB, and the provider's own client waits 30 s too. */
export interface TushareClientOptions extends Omit<HttpClientOptions, "redact"> {
  readonly token: string;
  readonly clock: Clock;
  /** `http` or `https`; with a path such as `/dataapi` it is kept. Default `TUSHARE_URL`. */
  readonly baseUrl?: string;
}

/** Makes one POST a call. Throws the kinds of `errors.ts`; no text of them has the token. */
export interface TushareClient extends AsyncDisposable {
  call(request: TushareRequest, signal: AbortSignal): Promise<TushareTable>;
}

/** Throws TypeError on an empty token and on a base URL that is none. */
export function createTushareClient(options: TushareClientOptions): TushareClient {
  const { token, clock } = options;
  if (token === "") {
    throw new TypeError("opening Tushare: the token is empty");
  }
  const url = parseBaseUrl(options.baseUrl ?? TUSHARE_URL, "opening Tushare");
  const http = createHttpClient({ ...options, redact: (text) => redact(text, token) });

  return {
    async call({ api, params, fields }, signal) {
      const doing = `calling tushare ${api}`;
      const body = JSON.stringify({ api_name: api, token, params, fields: fields.join(",") });
      const headers = { "content-type": "application/json" };
      return readAnswer(await http.send({ url, body, headers }, doing, signal), doing, token, clock);
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

/**
 * An envelope is believed whatever the HTTP status, since business errors come with status 200 and gateways may send
 * them with another. A status of 400 or more is never a success.
 */
function readAnswer(answer: HttpAnswer, doing: string, token: string, clock: Clock): TushareTable {
  const isRefused = answer.status >= 400;
  const body = answer.body.toString("utf8");
  const excerpt = redact(excerptOf(body), token);
  const envelope = readEnvelope(parseBody(body));
  if (envelope !== undefined && envelope.code !== 0) {
    throw toAnswerError(envelope.code, envelope.text, doing, token, clock);
  }
  if (isRefused) {
    throw toStatusError(answer.status, answer.header("retry-after")[0], excerpt, doing);
  }
  if (envelope === undefined) {
    throw new TransientError(`${doing}: expected an answer with a code, got ${excerpt}`);
  }
  return readTable(envelope.data, doing);
}
