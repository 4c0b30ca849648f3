import { get } from "node:http";

/** What is asked: whether it gets on, whether it can take work, or both. */
export type HealthQuestion = "live" | "ready" | "both";

export interface HealthAddress {
  readonly host: string;
  readonly port: number;
}

export type HealthAnswer =
  | { readonly isAnswered: true; readonly isHealthy: boolean; readonly body: string }
  /** Nobody answered, or somebody else did; `why` in words, with what to do. */
  | { readonly isAnswered: false; readonly why: string };

const PATHS: Readonly<Record<HealthQuestion, string>> = { live: "/livez", ready: "/readyz", both: "/health" };
const BODY_CHARACTERS_MAX = 1_000_000;

/** Asks a running worker over HTTP. Never rejects, and takes `timeoutMs` at most. This file loads nothing but Node's own. */
export async function askHealth(
  { host, port }: HealthAddress,
  question: HealthQuestion,
  timeoutMs: number,
): Promise<HealthAnswer> {
  const at = reachableHost(host);
  const url = `http://${at.includes(":") ? `[${at}]` : at}:${port}${PATHS[question]}`;
  return await new Promise((resolve) => {
    const fail = (why: string): void => resolve({ isAnswered: false, why: `${url}: ${why}` });
    const signal = AbortSignal.timeout(timeoutMs);
    const request = get(url, { signal, agent: false, headers: { accept: "application/json" } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.length > BODY_CHARACTERS_MAX) {
          response.destroy();
          fail("it is no worker that answers there: check health.host and health.port");
        }
      });
      response.on("end", () => {
        const { statusCode } = response;
        if ((statusCode === 200 || statusCode === 503) && isReport(body)) {
          resolve({ isAnswered: true, isHealthy: statusCode === 200, body });
        } else {
          fail(`something answers with ${statusCode ?? 0}, and it is no worker: check health.host and health.port`);
        }
      });
      response.on("error", () => fail(signal.aborted ? late(timeoutMs) : "the answer broke off"));
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      fail(signal.aborted ? late(timeoutMs) : whyNobody(error));
    });
  });
}

/** An address that all interfaces are bound to is none that can be asked. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") {
    return "127.0.0.1";
  }
  return host === "::" || host === "[::]" ? "::1" : host.replace(/^\[(.*)\]$/, "$1");
}

function late(timeoutMs: number): string {
  return `no answer within ${timeoutMs} ms: the worker is stuck, or the machine is too busy`;
}

function whyNobody({ code, message }: NodeJS.ErrnoException): string {
  return code === "ECONNREFUSED"
    ? "nobody listens there: no worker runs, it is still starting, or health.host and health.port say another place than they said to it"
    : `${message}: check health.host and health.port`;
}

function isReport(body: string): boolean {
  try {
    const read: unknown = JSON.parse(body);
    return typeof read === "object" && read !== null && "status" in read && "checks" in read;
  } catch {
    return false;
  }
}
