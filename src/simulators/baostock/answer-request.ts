import { Temporal } from "temporal-polyfill";

import type { Clock } from "../../base/clock.ts";
import { SHANGHAI } from "../../domain/day.ts";
import type { Accounts } from "./accounts.ts";
import type { BaostockData } from "./baostock-data.ts";
import type { FaultPlan, SettledFault } from "./faults.ts";
import { encodeFrame, readRequest, SEPARATOR, type FrameDamage, type Message, type RequestFrame } from "./frame.ts";
import type { LimitGate } from "./limit-gate.ts";
import { LOGIN_TYPE, LOGOUT_TYPE, methodOf, REFUSAL_TYPE, type Method, type MethodName } from "./methods.ts";
import { publishedAt } from "./publication.ts";
import { readQuery, type ReadQuery } from "./read-query.ts";
import { Refusal } from "./refusal.ts";
import type { OpenRequest, RequestLog } from "./request-log.ts";
import { selectRows } from "./select-rows.ts";
import type { Session } from "./session.ts";

export interface AnswererParts {
  readonly data: BaostockData;
  readonly clock: Clock;
  readonly log: RequestLog;
  readonly faults: FaultPlan;
  readonly gate: LimitGate;
  readonly accounts: Accounts;
  readonly serverVersion: string;
  /** Clients of a lower version are refused. */
  readonly clientVersionMin: string;
  /** Under which type a failed login is answered; the page leaves it open. */
  readonly loginRefusalType: "01" | "04";
}

export interface Answer {
  /** Undefined when the server says nothing. */
  readonly frame: Buffer | undefined;
  /** A fault that the connection has to carry out. */
  readonly fault: SettledFault | undefined;
  /** Its line in the log; whoever sends the answer completes it. */
  readonly entry: OpenRequest;
}

/**
 * Answers one request, without its LF, as the server does. In this order: form and checksum, type, blacklist and limits,
 * client version, login, number of parameters, parameters.
 */
export function createAnswerer(parts: AnswererParts): (line: Buffer, session: Session) => Answer {
  return (line, session) => {
    const entry = parts.log.open(parts.clock.nowMs(), session.connection);
    let fault: SettledFault | undefined;
    let type = "";
    try {
      const request = readRequest(line);
      type = request.type;
      const [name = "", , ...parameters] = request.fields;
      entry.type = type;
      entry.method = name;
      entry.parameters = type === LOGIN_TYPE ? [] : parameters;
      fault = parts.faults.take(name, request.fields.join());
      entry.fault = fault?.kind;
      const message = answerMessage(parts, request, session, fault, entry);
      entry.outcome = message === undefined ? undefined : "0";
      return { frame: message && encodeFrame(parts.serverVersion, message, damageOf(fault)), fault, entry };
    } catch (error) {
      // A defect of the simulator is told as the server tells its own.
      const refusal = error instanceof Refusal ? error : new Refusal("10005001", String(error));
      entry.outcome = refusal.code;
      const message = refusalMessage(refusal, refusalType(parts, type, fault));
      return { frame: encodeFrame(parts.serverVersion, message, damageOf(fault)), fault, entry };
    }
  };
}

/** Undefined for no answer at all. */
function answerMessage(
  parts: AnswererParts,
  request: RequestFrame,
  session: Session,
  fault: SettledFault | undefined,
  entry: OpenRequest,
): Message | undefined {
  const isLogin = request.type === LOGIN_TYPE;
  const method = methodOf(request.type);
  if (method === undefined && !isLogin && request.type !== LOGOUT_TYPE) {
    throw new Refusal("10004020");
  }
  if (admit(parts, isLogin, session, fault) === "silence") {
    return undefined;
  }
  if (request.version < parts.clientVersionMin) {
    throw new Refusal("10001004");
  }
  if (fault?.kind === "refused") {
    throw new Refusal(fault.code, fault.message);
  }
  const [name = "", user = "", ...values] = request.fields;
  if (isLogin) {
    return login(parts, session, request.fields);
  }
  if (fault?.kind === "session-lost") {
    parts.accounts.logout(session);
  }
  parts.accounts.check(session, user);
  if (method === undefined) {
    return logout(parts, session, request.fields);
  }
  if (name !== method.name) {
    throw new Refusal("10004006");
  }
  const published = publishedAt(parts.clock.now());
  const read = readQuery(method, values, parts.data, published);
  const { rows, data } = selectRows(parts.data, read, published, fault);
  entry.rows = rows;
  const echoed = fault?.kind === "other-method" ? fault.method : name;
  const body = bodyOf(method, read, echoed, user, data);
  return { type: method.answerType, body, isCompressed: method.isCompressed, packed: parts.data.packed?.get(body) };
}

function admit(
  { gate, accounts, clock }: AnswererParts,
  isLogin: boolean,
  session: Session,
  fault: SettledFault | undefined,
): "silence" | undefined {
  if (fault?.kind === "blacklist") {
    gate.ban(clock.nowMs());
  }
  const sessions = accounts.sessions + (isLogin && session.user === undefined ? 1 : 0);
  const beyond = gate.admit(isLogin ? "login" : "request", sessions, clock.nowMs());
  if (beyond === "refused") {
    throw new Refusal("10001011");
  }
  return beyond;
}

function login({ accounts, clock }: AnswererParts, session: Session, fields: readonly string[]): Message {
  const [name = "", user = "", password = ""] = fields;
  if (name !== "login" || fields.length !== 4) {
    throw new Refusal("10004006");
  }
  accounts.login(session, user, password);
  return {
    type: "01",
    body: ["0", "success", name, user, serverTime(clock.now())].join(SEPARATOR),
    isCompressed: false,
  };
}

function logout({ accounts, clock }: AnswererParts, session: Session, fields: readonly string[]): Message {
  const [name = "", user = ""] = fields;
  if (name !== "logout" || fields.length !== 3) {
    throw new Refusal("10004006");
  }
  accounts.logout(session);
  return {
    type: "03",
    body: ["0", "success", name, user, serverTime(clock.now())].join(SEPARATOR),
    isCompressed: false,
  };
}

/** 17 digits in Beijing time, to the millisecond. */
function serverTime(now: Temporal.Instant): string {
  const text = now.toZonedDateTimeISO(SHANGHAI).toPlainDateTime().toString({ smallestUnit: "millisecond" });
  return text.replaceAll(/\D/g, "");
}

function bodyOf(
  method: Method & { readonly name: MethodName },
  read: ReadQuery,
  name: string,
  user: string,
  data: string,
): string {
  const { page, perPage, query } = read;
  const head = ["0", "success", name, user];
  const fields = method.fields === undefined ? [] : [method.fields];
  const parts = method.isPaged ? [page, perPage, data, ...query.raw, ...fields] : [data, ...fields, ...query.raw];
  return [...head, ...parts].join(SEPARATOR);
}

function refusalType({ loginRefusalType }: AnswererParts, type: string, fault: SettledFault | undefined): string {
  if (fault?.kind === "refused" && fault.under === "own") {
    return methodOf(type)?.answerType ?? (type === LOGOUT_TYPE ? "03" : "01");
  }
  return type === LOGIN_TYPE ? loginRefusalType : REFUSAL_TYPE;
}

function refusalMessage({ code, message }: Refusal, type: string): Message {
  return { type, body: [code, message].join(SEPARATOR), isCompressed: false };
}

function damageOf(fault: SettledFault | undefined): FrameDamage {
  return {
    lengthBy: fault?.kind === "wrong-length" ? fault.by : 0,
    isCrcWrong: fault?.kind === "wrong-crc",
    isCharsetBroken: fault?.kind === "charset",
    zlib: fault?.kind === "bad-zlib" ? fault.where : undefined,
  };
}
