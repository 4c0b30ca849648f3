import { PermanentError, TransientError } from "../../base/errors.ts";
import type { HttpAnswer } from "../http/client.ts";
import { excerptOf } from "../http/json-text.ts";
import type { YahooClient } from "./client.ts";
import { isConsent, PAGE_CHARACTERS } from "./errors.ts";

/** What requests beside charts carry: a cookie, and the word that belongs to it. */
interface Session {
  readonly cookie: string;
  readonly crumb: string;
  /** Each value that must stand in no error. */
  readonly secrets: readonly string[];
}

/** Eleven characters where anybody has seen one. */
const CRUMB = /^[\w./~-]{4,40}$/;

/** Shorter values, of a cookie that says yes or no, hide nothing. */
const SECRET_MIN = 4;

/**
 * Asks with a session, which is begun with the first question, kept in memory and begun once more when it is refused.
 * PermanentError where a new one is refused too, or the provider wants consent to its terms first. No error text has the
 * cookie or the crumb.
 */
export function createSessionAsker(
  client: Pick<YahooClient, "get" | "urlOf">,
  cookieUrl: URL,
): (path: string, doing: string, signal: AbortSignal) => Promise<HttpAnswer> {
  let session: Session | undefined;

  async function begin(doing: string, signal: AbortSignal): Promise<Session> {
    const greeting = await client.get(
      { url: cookieUrl, headers: { accept: "text/html" } },
      `${doing}, for a cookie`,
      signal,
    );
    refuseConsent(greeting, doing);
    const cookies = greeting.header("set-cookie").flatMap((line) => /^\s*([\w-]+=[^;\s]*)/.exec(line)?.[1] ?? []);
    const cookie = cookies.join("; ");
    const values = cookies
      .map((pair) => pair.slice(pair.indexOf("=") + 1))
      .filter(({ length }) => length >= SECRET_MIN);
    if (cookie === "") {
      throw new TransientError(`${doing}: the provider gave no cookie (HTTP ${greeting.status})`);
    }
    const url = client.urlOf("v1/test/getcrumb");
    const answer = await client.get(
      { url, headers: { accept: "text/plain", cookie }, secrets: values },
      `${doing}, for a crumb`,
      signal,
    );
    refuseConsent(answer, doing);
    const crumb = answer.body.toString("utf8").trim();
    if (answer.status !== 200 || !CRUMB.test(crumb)) {
      const shown = answer.status === 200 && crumb.length < 100 ? "a text of another form" : excerptOf(crumb);
      throw new TransientError(`${doing}: the provider gave no crumb (HTTP ${answer.status}, ${shown})`);
    }
    return { cookie, crumb, secrets: [...values, crumb] };
  }

  return async (path, doing, signal) => {
    for (let looks = 0; ; looks += 1) {
      session ??= await begin(doing, signal);
      const used = session;
      const url = client.urlOf(path);
      url.searchParams.set("crumb", used.crumb);
      const answer = await client.get(
        { url, headers: { accept: "application/json", cookie: used.cookie }, secrets: used.secrets },
        doing,
        signal,
      );
      if (answer.status !== 401) {
        return answer;
      }
      // Another question may have begun a new one meanwhile.
      session = session === used ? undefined : session;
      if (looks > 0) {
        throw new PermanentError(`${doing}: the provider refuses a session that it has just begun (HTTP 401)`, "api");
      }
    }
  };
}

function refuseConsent(answer: HttpAnswer, doing: string): void {
  const body = answer.body.toString("utf8").slice(0, PAGE_CHARACTERS);
  if (isConsent(answer.header("location")[0] ?? "") || (answer.status === 200 && isConsent(body))) {
    throw new PermanentError(
      `${doing}: the provider wants consent to its terms from this country first, which only a person can give`,
      "api",
    );
  }
}
