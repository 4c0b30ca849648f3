import { readFile } from "node:fs/promises";

import type { Config } from "../config.ts";
import { SettingsError, whyUnreadable } from "../config/settings-error.ts";

/** The text of a PEM file that a setting names; undefined when it names none. SettingsError when it cannot be read. */
export async function readPem(setting: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) {
    return undefined;
  }
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new SettingsError([`setting ${setting}: reading ${path}: ${whyUnreadable(error)}`], { cause: error });
  }
  if (!text.includes("-----BEGIN ")) {
    throw new SettingsError([`setting ${setting}: ${path} is not a PEM file, it has no line of -----BEGIN`]);
  }
  return text;
}

/** Looks at every PEM file that will be needed, before anything is waited for. */
export async function checkPemFiles({ mode, kafka, clickhouse, redis, mysql }: Config): Promise<void> {
  if (mode === "servers" && kafka.tls) {
    await readPem("kafka.tls_ca", kafka.tlsCa);
    await readPem("kafka.tls_cert", kafka.tlsCert);
    await readPem("kafka.tls_key", kafka.tlsKey);
  }
  await readPem("clickhouse.tls_ca", clickhouse.tlsCa);
  if (redis.host !== undefined && redis.tls) {
    await readPem("redis.tls_ca", redis.tlsCa);
  }
  if (mysql.host !== undefined && mysql.tls) {
    await readPem("mysql.tls_ca", mysql.tlsCa);
  }
}
