import type { FastifyInstance, FastifyReply } from "fastify";

import type { WorkerState } from "./lifecycle.ts";

export interface HealthCheck {
  readonly name: string;
  readonly isOk: boolean;
  /** A warning is told and turns nothing false. */
  readonly isRequired: boolean;
  /** In a few words, what was seen; no secret. */
  readonly detail: string;
}

export interface HealthChecks {
  state(): WorkerState;
  /** Whether work is getting on; never false because something else is away. */
  liveness(): readonly HealthCheck[];
  /** Whether work can be taken now. */
  readiness(): readonly HealthCheck[];
  /** What is worth knowing and is no fault, one sentence each. */
  notes(): readonly string[];
}

/** What each of the three paths answers. */
export interface HealthReport {
  readonly status: "ok" | "not-ok";
  readonly state: WorkerState;
  readonly checks: readonly {
    readonly name: string;
    readonly status: "ok" | "warning" | "failed";
    readonly detail: string;
  }[];
  readonly notes: readonly string[];
}

/** `/livez`, `/readyz` and `/health` (both): 200 or 503, with each check in JSON. Answered from memory, so they never wait. */
export function healthRoutes(checks: HealthChecks): (server: FastifyInstance) => void {
  return (server) => {
    server.get("/livez", (_, reply) => answer(reply, reportOn(checks, checks.liveness())));
    server.get("/readyz", (_, reply) => answer(reply, reportOn(checks, checks.readiness())));
    server.get("/health", (_, reply) => answer(reply, reportHealth(checks)));
  };
}

/** Liveness and readiness together. */
export function reportHealth(checks: HealthChecks): HealthReport {
  return reportOn(checks, [...checks.liveness(), ...checks.readiness()]);
}

/** The checks first: to look may change the state. */
function reportOn(all: HealthChecks, checks: readonly HealthCheck[]): HealthReport {
  return {
    status: checks.every((check) => check.isOk || !check.isRequired) ? "ok" : "not-ok",
    state: all.state(),
    checks: checks.map(({ name, isOk, isRequired, detail }) => ({
      name,
      status: isOk ? "ok" : isRequired ? "failed" : "warning",
      detail,
    })),
    notes: all.notes(),
  };
}

function answer(reply: FastifyReply, report: HealthReport): FastifyReply {
  return reply
    .code(report.status === "ok" ? 200 : 503)
    .header("cache-control", "no-store")
    .send(report);
}
