import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { EngineError } from "./engine-error.ts";

export const STORE_RIGHTS = ["everything", "read-by-profile", "read-by-grants"] as const;

export interface StoreUser {
  readonly name: string;
  readonly password: string;
  /**
   * What the user may do: everything; read, with code 164 for the rest (a profile with readonly = 1); read, with
   * code 497 for the rest (grants).
   */
  readonly may: (typeof STORE_RIGHTS)[number];
}

/** Who asks: by basic authentication, by ClickHouse's two headers or by URL parameters, and by one of them only. */
export function authenticate(
  request: IncomingMessage,
  params: URLSearchParams,
  users: readonly StoreUser[],
): StoreUser {
  const given = credentials(request, params);
  const user = users.find(({ name }) => name === given.name);
  if (user === undefined || !isSame(user.password, given.password)) {
    throw new EngineError(
      516,
      `Code: 516. DB::Exception: ${given.name}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
    );
  }
  return user;
}

function credentials(request: IncomingMessage, params: URLSearchParams): { name: string; password: string } {
  const headerName = request.headers["x-clickhouse-user"];
  const headerKey = request.headers["x-clickhouse-key"];
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const isByHeaders = headerName !== undefined || headerKey !== undefined;
  const isByParams = params.has("user") || params.has("password");
  if ([isByHeaders, basic !== undefined, isByParams].filter(Boolean).length > 1) {
    throw new EngineError(
      516,
      "Code: 516. DB::Exception: Invalid authentication: it is not allowed to use several ways of authentication simultaneously. (AUTHENTICATION_FAILED)",
    );
  }
  if (basic !== undefined) {
    const text = Buffer.from(basic, "base64").toString();
    const colon = text.indexOf(":");
    return colon === -1
      ? { name: text, password: "" }
      : { name: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  if (isByHeaders) {
    return { name: single(headerName) ?? "default", password: single(headerKey) ?? "" };
  }
  return { name: params.get("user") ?? "default", password: params.get("password") ?? "" };
}

/** Takes as long for a password that is nearly right as for one that is not. */
function isSame(left: string, right: string): boolean {
  return timingSafeEqual(digestOf(left), digestOf(right));
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
