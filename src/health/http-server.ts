import fastify, { type FastifyInstance } from "fastify";

import type { Log } from "../base/log.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Log;
  /** Adds routes, before the server listens. */
  readonly routes: readonly ((server: FastifyInstance) => void)[];
}

export interface HttpServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
}

const BODY_BYTES_MAX = 32 * 1024 * 1024;
const REQUEST_MS_MAX = 60_000;

/** The worker's own HTTP port. Throws the system's error when the port is taken or the address is not this machine's. */
export async function openHttpServer({ host, port, log, routes }: HttpServerOptions): Promise<HttpServer> {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    // A command that waits on an open connection does not keep the worker from ending.
    forceCloseConnections: true,
  });
  server.setNotFoundHandler(async (request, reply) => {
    await reply.code(404).send({ error: `there is nothing at ${request.method} ${request.url.split("?")[0] ?? ""}` });
  });
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
