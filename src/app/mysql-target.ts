import type { Config } from "../config.ts";
import type { MySqlTarget } from "../store/mysql/connection.ts";
import { readPem } from "./read-pem.ts";

/** How MySQL is reached; undefined when none is configured. */
export async function mySqlTarget({ mysql }: Config): Promise<MySqlTarget | undefined> {
  const { host, port, user, password, database, tls, tlsCa } = mysql;
  if (host === undefined) {
    return undefined;
  }
  const ca = tls ? await readPem("mysql.tls_ca", tlsCa) : undefined;
  return { host, port, user, password, database, ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}) };
}
