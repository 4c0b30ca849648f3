import type { Config } from "../config.ts";
import type { ClickHouseTarget } from "../store/clickhouse/client.ts";
import { readPem } from "./read-pem.ts";

export type OurTarget = ClickHouseTarget & { readonly database: string };

/**
 * How the store is reached. User and password that stand in the address are taken out of it and count before the
 * settings: an address is named in errors, logs and on the health port, and must not have them in it.
 */
export async function clickHouseTarget({ clickhouse }: Pick<Config, "clickhouse">): Promise<OurTarget> {
  const { insertTimeoutMs: insertMs, requestTimeoutMs: requestMs, database } = clickhouse;
  if (clickhouse.url === undefined) {
    return { kind: "embedded", path: clickhouse.embeddedPath, database, insertMs };
  }
  const ca = await readPem("clickhouse.tls_ca", clickhouse.tlsCa);
  const { url, user, password } = splitAddress(clickhouse.url);
  return {
    kind: "http",
    url,
    user: user ?? clickhouse.user,
    password: password ?? clickhouse.password,
    database,
    timeouts: { requestMs, insertMs },
    ...(ca === undefined ? {} : { tls: { ca: Buffer.from(ca) } }),
  };
}

export interface SplitAddress {
  /** As it was given, without user and password. */
  readonly url: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

export function splitAddress(address: string): SplitAddress {
  const parsed = new URL(address);
  const { username, password } = parsed;
  if (username === "" && password === "") {
    return { url: address, user: undefined, password: undefined };
  }
  parsed.username = "";
  parsed.password = "";
  const url = address.endsWith("/") ? parsed.href : parsed.href.replace(/\/$/, "");
  return { url, user: decoded(username), password: decoded(password) };
}

/** What was not encoded, though it should have been, is meant as it stands. */
function decoded(text: string): string | undefined {
  try {
    return text === "" ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}
