import { randomUUID } from "node:crypto";

import type { Clock } from "../../base/clock.ts";
import { APIS, isApiName, type ApiName } from "./apis.ts";
import { encodeAnswer, encodeRefusal, type EncodeOptions, type NumberStyle } from "./encode-answer.ts";
import type { FaultPlan, SettledFault } from "./faults.ts";
import type { LimitGate } from "./limit-gate.ts";
import { isRecord, readFields, readPageBounds, readQuery, type PageBounds } from "./read-query.ts";
import {
  noPermission,
  RefusedCall,
  REFUSALS,
  tooManyCalls,
  unknownApi,
  type PermissionWording,
} from "./refused-call.ts";
import type { OpenRequest, RequestLog } from "./request-log.ts";
import { selectRows } from "./select-rows.ts";
import type { SimulatedData, SimulatedRow } from "./simulated-data.ts";

export interface AnswererParts {
  readonly data: SimulatedData;
  readonly clock: Clock;
  readonly log: RequestLog;
  readonly faults: FaultPlan;
  readonly gate: LimitGate;
  readonly tokens: ReadonlySet<string>;
  readonly rowsMax: Readonly<Partial<Record<ApiName, number>>>;
  readonly codesMax: number;
  readonly forbiddenApis: ReadonlySet<ApiName>;
  readonly account: SimulatedAccount | undefined;
  readonly permissionWording: PermissionWording;
  readonly numbers: NumberStyle;
  readonly hasHasMore: boolean;
  readonly unknownFields: "refuse" | "ignore";
  readonly escapesNonAscii: boolean;
}

export interface Answer {
  readonly body: string;
  /** A fault that the transport has to carry out. */
  readonly fault: SettledFault | undefined;
  /** Its line in the log; whoever sends the answer completes it. */
  readonly entry: OpenRequest;
}

/**
 * Answers one request body as the server does. In this order: JSON, api, token, permission, limits, then parameters and
 * fields; a call that was refused before its limits does not count towards them.
 */
export function createAnswerer(parts: AnswererParts): (requestBody: string) => Answer {
  return (requestBody) => {
    const call = readBody(requestBody);
    const apiName = typeof call?.["api_name"] === "string" ? call["api_name"] : "";
    const params = call?.["params"];
    const entry = parts.log.open(parts.clock.nowMs(), apiName, isRecord(params) ? params : {});
    const encoding: EncodeOptions = {
      requestId: randomUUID(),
      numbers: parts.numbers,
      hasMore: undefined,
      escapesNonAscii: parts.escapesNonAscii,
    };
    let fault: SettledFault | undefined;
    try {
      if (call === undefined) {
        throw new RefusedCall(REFUSALS.notJson);
      }
      const api = admit(parts, apiName, call["token"], entry);
      fault = parts.faults.take(api, JSON.stringify(params));
      entry.fault = fault?.kind;
      const { body, rows } = answerCall(parts, APIS[api], call, fault, encoding);
      entry.rows = rows;
      entry.code = 0;
      return { body, fault, entry };
    } catch (error) {
      if (!(error instanceof RefusedCall)) {
        throw error;
      }
      entry.code = error.code;
      return { body: encodeRefusal(error.code, error.message, encoding), fault, entry };
    }
  };
}

function readBody(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function admit(parts: AnswererParts, name: string, token: unknown, entry: OpenRequest): ApiName {
  if (typeof token !== "string" || !parts.tokens.has(token)) {
    throw new RefusedCall(REFUSALS.token);
  }
  if (!isApiName(name)) {
    throw new RefusedCall(unknownApi(name));
  }
  if (parts.forbiddenApis.has(name) || !mayAsk(parts.account, name)) {
    throw new RefusedCall(noPermission(name, parts.permissionWording));
  }
  const passed = parts.gate.admit(token, name, entry.atMs);
  if (passed !== undefined) {
    entry.isRateLimited = true;
    throw new RefusedCall(tooManyCalls(name, passed.calls, passed.unit, passed.wording));
  }
  return name;
}

/** What the owner of a token has. */
export interface SimulatedAccount {
  readonly points: number;
  /** APIs that were bought by themselves. */
  readonly rights?: readonly ApiName[];
}

/** An account that nothing is said of may ask for everything. */
function mayAsk(account: SimulatedAccount | undefined, name: ApiName): boolean {
  const { needs } = APIS[name];
  return (
    account === undefined || (needs === "right" ? account.rights?.includes(name) === true : account.points >= needs)
  );
}

interface Body {
  readonly body: string;
  readonly rows: number;
}

function answerCall(
  parts: AnswererParts,
  api: (typeof APIS)[ApiName],
  call: Readonly<Record<string, unknown>>,
  fault: SettledFault | undefined,
  encoding: EncodeOptions,
): Body {
  if (fault?.kind === "refused") {
    throw new RefusedCall(fault);
  }
  if (fault?.kind === "null-data") {
    return { body: encodeRefusal(0, "", encoding), rows: 0 };
  }
  const query = readQuery(api, call["params"]);
  const bounds = readPageBounds(call["params"], parts.rowsMax[api.name] ?? api.rowsMax);
  const columns = readFields(api, call["fields"], parts.unknownFields);
  const page = cutPage(
    selectRows(api, query, parts.data, { now: parts.clock.now(), codesMax: parts.codesMax }),
    bounds,
  );
  const { rows, hasMore } = withFault(page, fault);
  const isToldMore = parts.hasHasMore && fault?.kind !== "no-has-more" && fault?.kind !== "short";
  const body = encodeAnswer(api, columns, rows, { ...encoding, hasMore: isToldMore ? hasMore : undefined });
  return { body, rows: rows.length };
}

interface CutPage {
  readonly rows: readonly SimulatedRow[];
  readonly hasMore: boolean;
}

/** Takes one row more than the page holds to know whether there are more. */
function cutPage(all: Iterable<SimulatedRow>, { offset, rowsMax }: PageBounds): CutPage {
  const rows: SimulatedRow[] = [];
  let seen = 0;
  for (const row of all) {
    seen += 1;
    if (seen > offset + rowsMax) {
      return { rows, hasMore: true };
    }
    if (seen > offset) {
      rows.push(row);
    }
  }
  return { rows, hasMore: false };
}

function withFault(page: CutPage, fault: SettledFault | undefined): CutPage {
  if (fault?.kind === "empty") {
    return { rows: [], hasMore: false };
  }
  const isCut = fault?.kind === "truncated" || fault?.kind === "short";
  return isCut ? { rows: page.rows.slice(0, fault.rows), hasMore: true } : page;
}
