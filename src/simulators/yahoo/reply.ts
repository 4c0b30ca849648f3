import type { SettledFault } from "./faults.ts";
import { refusalText, type Refusal } from "./refusal.ts";
import type { OpenRequest } from "./request-log.ts";

/** What goes out, before compression and before the faults that befall the connection. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer extends Reply {
  readonly fault: SettledFault | undefined;
  readonly entry: OpenRequest;
}

/** As on recorded answers. */
const JSON_HEADERS = {
  "cache-control": "public, max-age=10, stale-while-revalidate=20",
  "content-type": "application/json;charset=utf-8",
  server: "ATS",
  vary: "Origin,Accept-Encoding",
} as const;

export function jsonReply(status: number, body: string): Reply {
  return { status, headers: JSON_HEADERS, body };
}

export function refusalReply(refusal: Refusal): Reply {
  return jsonReply(refusal.status, refusalText(refusal));
}

export function textReply(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/plain;charset=utf-8", server: "ATS" }, body };
}

export function htmlReply(status: number, body: string, more: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { "content-type": "text/html; charset=utf-8", server: "ATS", ...more }, body };
}
