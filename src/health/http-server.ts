import { createServer, type RequestListener, type Server } from "node:http";

import fastify, { type FastifyInstance } from "fastify";

import { describeError } from "../base/errors.ts";
import { isLocalName, isLoopback } from "../base/local-host.ts";
import type { Log } from "../base/log.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Log;
  /** Adds routes, before the server listens. A route that takes a body says how large a one. */
  readonly routes: readonly ((server: FastifyInstance) => void)[];
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpLimits {
  readonly headerBytesMax: number;
  readonly headersMsMax: number;
  /** Headers and body together, until the last byte has come. */
  readonly requestMsMax: number;
  /** A connection on which nothing moves. */
  readonly silentMsMax: number;
  /** Between two requests of one connection. */
  readonly idleMsMax: number;
  readonly connectionsMax: number;
  /** How often connections are looked at. */
  readonly checkEveryMs: number;
}

export interface HttpServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
}

const LIMITS: HttpLimits = {
  headerBytesMax: 8 * 1024,
  headersMsMax: 5_000,
  requestMsMax: 60_000,
  silentMsMax: 60_000,
  idleMsMax: 20_000,
  connectionsMax: 256,
  checkEveryMs: 1_000,
};
/** Of routes that say nothing of their own: none of them reads one. */
const BODY_BYTES_MAX = 1024;
const PATH_CHARACTERS_MAX = 100;

/**
 * The worker's own HTTP port: it answers the routes it was given and refuses everything else in a few words, without
 * stack, banner or a reason of ours. Whoever sends slowly, too much or nothing is cut off, so that a probe of the platform
 * still gets its answer. Throws the system's error when the port is taken or the address is not this machine's.
 */
export async function openHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, log, routes } = options;
  const limits = { ...LIMITS, ...options.limits };
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    serverFactory: (handler) => createLimited(handler, limits),
    // A command that waits on an open connection does not keep the worker from ending.
    forceCloseConnections: true,
  });
  refuseTheRest(server, isLoopback(host), log);
  for (const add of routes) {
    add(server);
  }
  await server.listen({ host, port });
  const address = server.server.address();
  const at = address === null || typeof address === "string" ? port : address.port;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${at}`;
  log.debug("http port is open", { url });
  return { url, [Symbol.asyncDispose]: () => server.close() };
}

function createLimited(handler: RequestListener, limits: HttpLimits): Server {
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: Math.min(limits.headersMsMax, limits.requestMsMax),
      requestTimeout: limits.requestMsMax,
      keepAliveTimeout: limits.idleMsMax,
      connectionsCheckingInterval: limits.checkEveryMs,
    },
    handler,
  );
  server.setTimeout(limits.silentMsMax);
  server.maxConnections = limits.connectionsMax;
  // The one that came too late is cut off; those between two requests make room for the next.
  server.on("drop", () => server.closeIdleConnections());
  return server;
}

function refuseTheRest(server: FastifyInstance, isLocalOnly: boolean, log: Log): void {
  if (isLocalOnly) {
    server.addHook("onRequest", async (request, reply) => {
      if (!isLocalName(request.headers.host)) {
        await reply.code(421).header("connection", "close").send({ error: "this host name is not served here" });
      }
    });
  }
  server.setNotFoundHandler(async (request, reply) => {
    const path = (request.url.split("?")[0] ?? "").slice(0, PATH_CHARACTERS_MAX);
    const allowed = (["GET", "HEAD", "POST"] as const).filter((method) => server.hasRoute({ method, url: path }));
    // What is not wanted is not read to its end either.
    reply.header("connection", "close");
    await (allowed.length === 0
      ? reply.code(404).send({ error: `there is nothing at ${request.method} ${path}` })
      : reply
          .code(405)
          .header("allow", allowed.join(", "))
          .send({ error: `${path} answers ${allowed.join(" and ")}` }));
  });
  server.setErrorHandler(async (error, request, reply) => {
    const code = statusOf(error);
    reply.header("connection", "close");
    if (code < 500) {
      await reply.code(code).send({ error: "the request cannot be understood" });
      return;
    }
    log.error("a request to the worker's own port failed", {
      route: request.routeOptions.url,
      why: describeError(error),
    });
    await reply.code(500).send({ error: "a defect of the worker, its log says more" });
  });
}

function statusOf(error: unknown): number {
  const code = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  return typeof code === "number" && code >= 400 && code < 600 ? code : 500;
}
