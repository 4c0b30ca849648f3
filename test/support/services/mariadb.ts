import { writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";

import { createConnection, type RowDataPacket } from "mysql2/promise";

import { findExecutable } from "../../../scripts/lib/find-executable.ts";
import { lastLines, runCommand } from "../../../scripts/lib/run-command.ts";
import { plantSecret } from "../planted-secrets.ts";
import { startChild, type ChildService } from "./child-service.ts";
import { withFreePorts } from "./free-port.ts";
import { openGuardedFolder } from "./guarded-folder.ts";

export interface MariaDbService extends ChildService {
  readonly port: number;
  /** For example `mysql://ginkgo:PASSWORD@127.0.0.1:23456/ginkgo_test`; the user may do everything. */
  readonly url: string;
  version(): Promise<string>;
}

export interface MariaDbOptions {
  /** Of the user `ginkgo`; without a quotation mark. */
  readonly password?: string;
  /** Speaks TLS with whoever wants to. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

/** Read at every start, so that it must be harmless the second time. */
const initSql = (password: string): string => `CREATE DATABASE IF NOT EXISTS ginkgo_test CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'ginkgo'@'%' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO 'ginkgo'@'%' WITH GRANT OPTION;
`;

/** Why there can be no MariaDB here; undefined when there can. */
export function whyNoMariaDb(): string | undefined {
  for (const name of ["mariadbd", "mariadb-install-db", "my_print_defaults"]) {
    if (findExecutable(name) === undefined) {
      return `MariaDB's ${name} is not installed`;
    }
  }
  return undefined;
}

/** A MariaDB of its own. What it has committed is still there after `kill` and `restart`. */
export function startMariaDb(options: MariaDbOptions = {}): Promise<MariaDbService> {
  const { password = plantSecret(), tls } = options;
  return withFreePorts(1, async ([port = 0]) => {
    const folder = await openGuardedFolder("mariadb");
    const user = `--user=${userInfo().username}`;
    const dataFolder = path.join(folder.path, "data");
    const initFile = path.join(folder.path, "init.sql");
    const sizes = ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M"];
    const install = await runCommand(findExecutable("mariadb-install-db") ?? "mariadb-install-db", [
      "--no-defaults",
      `--datadir=${dataFolder}`,
      user,
      "--skip-test-db",
      "--auth-root-authentication-method=normal",
      ...sizes,
    ]);
    if (install.code !== 0) {
      await folder[Symbol.asyncDispose]();
      throw new Error(`preparing MariaDB's data folder failed, saying\n${lastLines(install.output, 8)}`);
    }
    await writeFile(initFile, initSql(password));
    const url = `mysql://ginkgo:${encodeURIComponent(password)}@127.0.0.1:${port}/ginkgo_test`;
    const child = await startChild({
      name: "mariadb",
      folder,
      command: findExecutable("mariadbd") ?? "mariadbd",
      args: [
        "--no-defaults",
        user,
        `--datadir=${dataFolder}`,
        `--tmpdir=${folder.path}`,
        `--init-file=${initFile}`,
        `--port=${port}`,
        "--bind-address=127.0.0.1",
        `--socket=${path.join(folder.path, "mariadb.sock")}`,
        `--pid-file=${path.join(folder.path, "mariadb.pid")}`,
        "--skip-name-resolve",
        "--skip-log-bin",
        // The log of a commit is written before the answer and synced once a second: safe from a kill, and fast.
        "--innodb-flush-log-at-trx-commit=2",
        "--performance-schema=OFF",
        ...(tls === undefined ? ["--skip-ssl"] : [`--ssl-cert=${tls.certFile}`, `--ssl-key=${tls.keyFile}`]),
        ...sizes,
      ],
      isReady: async () => (await askMariaDb(url)) !== "",
    });
    return Object.assign(child, { port, url, version: () => askMariaDb(url) });
  });
}

/** The version a running MySQL or MariaDB tells. */
export async function askMariaDb(url: string): Promise<string> {
  const connection = await createConnection({ uri: url, connectTimeout: 2_000 });
  try {
    const [rows] = await connection.query<RowDataPacket[]>("SELECT VERSION() AS version");
    return String(rows[0]?.["version"] ?? "");
  } finally {
    connection.destroy();
  }
}
