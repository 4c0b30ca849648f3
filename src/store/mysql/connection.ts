import { connect, isIP, type Socket } from "node:net";

import { createPool, type Pool, type PoolConnection, type RowDataPacket } from "mysql2/promise";

import { translate } from "./errors.ts";

export interface MySqlTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Speak TLS, and trust these authorities (PEM text); the system's when absent. */
  readonly tls?: { readonly ca?: string };
}

export type MySqlValue = string | number;

/** One connection. Statements with `?` go as text with the values escaped: lists of values then work as they read. */
export interface Session {
  query<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]>;
  run(sql: string, values: readonly unknown[]): Promise<void>;
}

export interface MySql extends AsyncDisposable {
  /** Lends a connection to `work`. When the signal aborts the connection is dropped, and with it what was not committed. */
  withSession<Answer>(doing: string, signal: AbortSignal, work: (session: Session) => Promise<Answer>): Promise<Answer>;
  /**
   * The same in one transaction: committed when `work` resolves, rolled back when it throws. Transactions of one `turn`
   * in a database go one after the other, whatever process they are of: two that insert the same new rows would
   * otherwise lock the same gaps and be each other's deadlock, again and again.
   */
  withTransaction<Answer>(
    doing: string,
    turn: string,
    signal: AbortSignal,
    work: (session: Session) => Promise<Answer>,
  ): Promise<Answer>;
}

/** For lists that are written, one that is read, and the question whether the server is there, which must not wait. */
const CONNECTIONS_MAX = 4;
const WAITING_MAX = 64;
const CONNECT_MS_MAX = 10_000;
const STATEMENT_MS_MAX = 60_000;
const TURN_S_MAX = 30;
/** What MySQL takes. */
const LOCK_CHARACTERS_MAX = 64;

/** Opens nothing yet: the first use does. Dates and large numbers travel as text, never as Date or float. */
export function createMySql(target: MySqlTarget): MySql {
  const pool = createPool({
    host: target.host,
    port: target.port,
    user: target.user,
    password: target.password,
    database: target.database,
    connectionLimit: CONNECTIONS_MAX,
    queueLimit: WAITING_MAX,
    connectTimeout: CONNECT_MS_MAX,
    charset: "utf8mb4",
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    ...(target.tls === undefined ? {} : secured(target, target.tls)),
  });
  const connecting = `connecting to MySQL at ${target.host}:${target.port}`;
  const isTlsOn = target.tls !== undefined;
  const withSession: MySql["withSession"] = (doing, signal, work) =>
    lend({ pool, connecting, isTlsOn }, doing, signal, (connection) => work(createSession(connection, doing, isTlsOn)));
  return {
    withSession,
    withTransaction: (doing, turn, signal, work) =>
      lend({ pool, connecting, isTlsOn }, doing, signal, async (connection) => {
        await using _ = await takeTurn(connection, `${target.database}.${turn}`);
        await connection.beginTransaction();
        try {
          const answer = await work(createSession(connection, doing, isTlsOn));
          await connection.commit();
          return answer;
        } catch (error) {
          // A rollback that fails has a dead connection, which rolls back by itself.
          await connection.rollback().catch(() => undefined);
          throw error;
        }
      }),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/** The name in the certificate is held against the host, which the client leaves out unless told. */
function secured(target: MySqlTarget, { ca }: NonNullable<MySqlTarget["tls"]>): object {
  const ssl = { verifyIdentity: true, ...(ca === undefined ? {} : { ca }) };
  return isIP(target.host) === 0 ? { ssl } : { ssl, stream: () => connectToAddress(target) };
}

/**
 * The client gives TLS no name for an address, which would then be compared with `localhost`. Node takes the name from
 * the socket where it was given none; should it ever stop to, good certificates are refused rather than bad ones taken.
 */
function connectToAddress({ host, port }: MySqlTarget): Socket {
  const socket = connect({ host, port, noDelay: true, keepAlive: true });
  return Object.assign(socket, { _host: host });
}

/** The server frees the lock of a connection that dies. A turn that does not come in time is done without. */
async function takeTurn(connection: PoolConnection, turn: string): Promise<AsyncDisposable> {
  const name = turn.slice(-LOCK_CHARACTERS_MAX);
  await connection.query("SELECT GET_LOCK(?, ?)", [name, TURN_S_MAX]);
  return {
    [Symbol.asyncDispose]: async () => {
      await connection.query("SELECT RELEASE_LOCK(?)", [name]).catch(() => undefined);
    },
  };
}

interface Lender {
  readonly pool: Pool;
  /** What is being done until there is a connection. */
  readonly connecting: string;
  readonly isTlsOn: boolean;
}

async function lend<Answer>(
  { pool, connecting, isTlsOn }: Lender,
  doing: string,
  signal: AbortSignal,
  work: (connection: PoolConnection) => Promise<Answer>,
): Promise<Answer> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => undefined);
  let connection: PoolConnection | undefined;
  const abort = (): void => {
    // A destroyed connection leaves its statement unanswered for ever, so the wait has to end here.
    connection?.destroy();
    connection = undefined;
    reject(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    connection = await untilAborted(pool, aborted, signal);
    // The abort may have come between the two lines above and below.
    signal.throwIfAborted();
    return await Promise.race([work(connection), aborted]);
  } catch (error) {
    signal.throwIfAborted();
    throw translate(error, connection === undefined ? connecting : doing, isTlsOn);
  } finally {
    signal.removeEventListener("abort", abort);
    connection?.release();
  }
}

/** A connection that comes after the abort goes straight back. */
async function untilAborted(pool: Pool, aborted: Promise<never>, signal: AbortSignal): Promise<PoolConnection> {
  const coming = pool.getConnection();
  try {
    return await Promise.race([coming, aborted]);
  } catch (error) {
    if (signal.aborted) {
      coming.then((connection) => connection.release()).catch(() => undefined);
    }
    throw error;
  }
}

function createSession(connection: PoolConnection, doing: string, isTlsOn: boolean): Session {
  const send = async <Answer extends RowDataPacket[]>(sql: string, values: readonly unknown[]): Promise<Answer> => {
    try {
      const [rows] = await connection.query<Answer>({ sql, values: [...values], timeout: STATEMENT_MS_MAX });
      return rows;
    } catch (error) {
      throw translate(error, doing, isTlsOn);
    }
  };
  return {
    query: <Row>(sql: string, values: readonly unknown[]) => send<(Row & RowDataPacket)[]>(sql, values),
    run: async (sql, values) => {
      await send(sql, values);
    },
  };
}
