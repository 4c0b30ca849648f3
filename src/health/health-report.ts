import type { FastifyInstance, FastifyReply } from "fastify";

export interface HealthCheck {
  readonly name: string;
  readonly isOk: boolean;
  /** A warning is told and turns nothing false. */
  readonly isRequired: boolean;
  /** In a few words, what was seen; no secret. */
  readonly detail: string;
}

export interface HealthChecks {
  /** Whether work is getting on; never false because something else is away. */
  liveness(): readonly HealthCheck[];
  /** Whether work can be taken now. */
  readiness(): readonly HealthCheck[];
}

/** `/livez`, `/readyz` and `/health` (both): 200 or 503, with each check in JSON. Answered from memory, so they never wait. */
export function healthRoutes(checks: HealthChecks): (server: FastifyInstance) => void {
  return (server) => {
    server.get("/livez", (_, reply) => answer(reply, checks.liveness()));
    server.get("/readyz", (_, reply) => answer(reply, checks.readiness()));
    server.get("/health", (_, reply) => answer(reply, [...checks.liveness(), ...checks.readiness()]));
  };
}

function answer(reply: FastifyReply, checks: readonly HealthCheck[]): FastifyReply {
  const isOk = checks.every((check) => check.isOk || !check.isRequired);
  return reply
    .code(isOk ? 200 : 503)
    .header("cache-control", "no-store")
    .send({
      status: isOk ? "ok" : "not-ok",
      checks: checks.map(({ name, isOk, isRequired, detail }) => ({
        name,
        status: isOk ? "ok" : isRequired ? "failed" : "warning",
        detail,
      })),
    });
}
