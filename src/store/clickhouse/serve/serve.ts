import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

import { describeError } from "../../../base/errors.ts";
import { isLocalName, isLoopback } from "../../../base/local-host.ts";
import type { Log } from "../../../base/log.ts";
import { makeSecret } from "../../../base/make-secret.ts";
import { orAbort } from "../../../base/or-abort.ts";
import { Engine } from "./engine.ts";
import { answerStoreRequest } from "./handler.ts";

export interface StoreServerOptions {
  /** The engine's folder, which this process holds already. */
  readonly folder: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Log;
}

/** Where ClickHouse's clients find the embedded engine while this process runs. */
export interface StoreServer extends AsyncDisposable {
  readonly url: string;
  readonly user: string;
  /** Made anew at each start. */
  readonly password: string;
}

const USER = "default";
const HEADERS_MS_MAX = 5_000;
const CONNECTIONS_MAX = 256;
const KEEP_ALIVE_MS = 10_000;
/** At the end so long for running queries to answer, and once more so long for cancelled ones to stop. */
const LAST_QUERIES_MS_MAX = 1_000;

/**
 * Serves the engine of this process to other programs on this machine, who cannot open its folder while we hold it. A
 * request needs the password, so that a page in a browser cannot ask. Throws the system's error when the port is taken.
 */
export async function serveStore({ folder, host, port, log }: StoreServerOptions): Promise<StoreServer> {
  const exchangeFolder = join(folder, ".exchange");
  await rm(exchangeFolder, { recursive: true, force: true });
  await mkdir(exchangeFolder, { recursive: true });
  const engine = new Engine(folder);
  const facts = await engine.facts();
  const password = makeSecret();
  const parts = { engine, facts, users: [{ name: USER, password, may: "everything" }], exchangeFolder } as const;
  const answering = new Set<Promise<unknown>>();
  const isLocalOnly = isLoopback(host);
  const server = createServer(
    { headersTimeout: HEADERS_MS_MAX, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      if (isLocalOnly && !isLocalName(request.headers.host)) {
        response.writeHead(421, { connection: "close" }).end();
        return;
      }
      const answered = once(response, "close").finally(() => answering.delete(answered));
      answering.add(answered);
      answerStoreRequest(request, response, parts).catch((error: unknown) => {
        log.warn("a query to the embedded store could not be answered", { why: describeError(error) });
        response.destroy();
      });
    },
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = CONNECTIONS_MAX;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    engine.close();
    throw error;
  }
  const address = server.address();
  const at = address === null || typeof address === "string" ? port : address.port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${at}`,
    user: USER,
    password,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      const late = AbortSignal.timeout(LAST_QUERIES_MS_MAX);
      await orAbort(Promise.allSettled(answering), late).catch(() => undefined);
      // The clients that are left are cut off, which cancels their queries.
      server.closeAllConnections();
      await closed;
      await engine.idle(AbortSignal.timeout(LAST_QUERIES_MS_MAX));
      engine.close();
      await rm(exchangeFolder, { recursive: true, force: true });
    },
  };
}
