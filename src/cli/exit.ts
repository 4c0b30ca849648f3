import { DataError, describeError, PermanentError, TransientError, type PermanentScope } from "../base/errors.ts";
import { StopError } from "../base/shutdown.ts";
import { UsageError } from "./usage-error.ts";

/** How the process ends; `docs/specification.md` lists them from here. */
export const EXIT_CODES = {
  ok: { code: 0, means: "done" },
  defect: {
    code: 1,
    means:
      "a defect in the program, or the answer is bad: dead letters, unexplained days, gaps, differences left, files or rows refused, no such data",
  },
  usage: { code: 64, means: "the command line cannot be understood" },
  unavailable: { code: 69, means: "something the program needs is not there: a server, a port, a right, Node 24" },
  incomplete: {
    code: 75,
    means: "what was waited for is settled, and some days are not published yet: ask again later",
  },
  credentials: { code: 77, means: "user, password, token or rights were refused" },
  settings: { code: 78, means: "a setting is unknown, wrong, contradicts another, or is a living worker's (node.id)" },
  interrupted: { code: 130, means: "stopped by SIGINT" },
  terminated: { code: 143, means: "stopped by SIGTERM" },
} as const;

export interface Exit {
  readonly code: number;
  /** One sentence a problem: what happened, to what, what to do. Empty for a stop that was asked for. */
  readonly lines: readonly string[];
}

/** What was thrown to the way the process ends. */
export function toExit(error: unknown): Exit {
  const stop = findCause(error, StopError);
  if (stop !== undefined) {
    return { code: exitCodeOf(stop.signal), lines: [] };
  }
  if (error instanceof UsageError) {
    return { code: EXIT_CODES.usage.code, lines: [error.message] };
  }
  const known = hintOf(error);
  if (error instanceof PermanentError && error.scope === "settings") {
    return { code: EXIT_CODES.settings.code, lines: problemsOf(error) };
  }
  if (error instanceof PermanentError && error.isCredentials) {
    return { code: EXIT_CODES.credentials.code, lines: [withHint(error, CREDENTIALS_HINTS[error.scope])] };
  }
  if (error instanceof PermanentError) {
    return {
      code: EXIT_CODES.unavailable.code,
      lines: [withHint(error, known ?? "it needs a person, trying again does not help")],
    };
  }
  if (error instanceof TransientError) {
    return {
      code: EXIT_CODES.unavailable.code,
      lines: [withHint(error, known ?? "it may pass by itself: try again, or see that it runs and can be reached")],
    };
  }
  if (known !== undefined) {
    return { code: EXIT_CODES.unavailable.code, lines: [withHint(error, known)] };
  }
  if (error instanceof DataError) {
    const where = error.path === "" ? "" : ` (at ${error.path})`;
    return { code: EXIT_CODES.usage.code, lines: [`${describeError(error)}${where}`] };
  }
  return {
    code: EXIT_CODES.defect.code,
    lines: [withHint(error, "this is a defect in gdw, --stack shows where")],
  };
}

export function exitCodeOf(signal: "SIGTERM" | "SIGINT"): number {
  return signal === "SIGTERM" ? EXIT_CODES.terminated.code : EXIT_CODES.interrupted.code;
}

/** The stacks of an error and of what caused it. */
export function stackOf(error: unknown): string {
  const stacks: string[] = [];
  let current = error;
  for (let depth = 0; current instanceof Error && depth < 5; depth += 1) {
    stacks.push(current.stack ?? current.message);
    current = current.cause;
  }
  return stacks.join("\ncaused by ");
}

const CREDENTIALS_HINTS: Readonly<Record<PermanentScope, string>> = {
  store: "check clickhouse.user and clickhouse.password, and what the user may do",
  queue: "check kafka.sasl_mechanism, kafka.user and kafka.password, and what the user may do",
  budget: "check redis.user and redis.password",
  provider:
    "check what the provider knows us by: tushare.token, or baostock.user, baostock.password and baostock.api_key",
  api: "the account has no right to this data, ask the provider or take another from providers.chain",
  settings: "check the settings with gdw config show",
};

/** What to do about errors of the machine, by their code. */
const MACHINE_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has this port: stop it or set health.port",
  EADDRNOTAVAIL: "this machine does not have the address: check health.host",
  EACCES: "this user may not do that: check the rights of the file or take a port above 1023",
  ENOSPC: "the disk is full: make room, nothing was committed that is not stored",
  EROFS: "the disk is read-only: take another folder",
  ENOENT: "there is no such file or folder: check the path",
  ECONNREFUSED: "nobody listens there: see that it runs, and check host and port",
  ENOTFOUND: "the host name is not known here: check it",
  EAI_AGAIN: "host names cannot be looked up now: check the network",
  ETIMEDOUT: "it did not answer in time: check network and firewall",
  ECONNRESET: "it closed the connection: see its own log",
  CERT_HAS_EXPIRED: "the certificate has expired: renew it",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed: name its authority in the setting tls_ca",
  SELF_SIGNED_CERT_IN_CHAIN: "the authority is not known here: name it in the setting tls_ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the authority is not known here: name it in the setting tls_ca",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another host: check the host",
  ERR_MODULE_NOT_FOUND: "a package is missing: install it with npm",
};

function hintOf(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < 8; depth += 1) {
    const code = "code" in current && typeof current.code === "string" ? current.code : "";
    if (code === "ERR_MODULE_NOT_FOUND" && current.message.includes("chdb")) {
      return "embedded mode needs the engine: npm install chdb, or set clickhouse.host";
    }
    const hint = Object.hasOwn(MACHINE_HINTS, code) ? MACHINE_HINTS[code] : undefined;
    if (hint !== undefined) {
      return hint;
    }
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}

function withHint(error: unknown, hint: string): string {
  return saysWhatToDo(error) ? describeError(error) : `${describeError(error)}; ${hint}`;
}

/** Some errors know better than a table what to do about them, and say it in their message. */
function saysWhatToDo(error: unknown): boolean {
  return error instanceof Error && "saysWhatToDo" in error && error.saysWhatToDo === true;
}

function problemsOf(error: PermanentError): readonly string[] {
  const problems = "problems" in error && Array.isArray(error.problems) ? error.problems.map(String) : [];
  return problems.length > 0 ? problems : [describeError(error)];
}

function findCause<Kind extends Error>(error: unknown, kind: new (...args: never[]) => Kind): Kind | undefined {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < 8; depth += 1) {
    if (current instanceof kind) {
      return current;
    }
    current = current.cause;
  }
  return undefined;
}
