import type { RequestEstimate } from "../app/app-api.ts";
import { countOf } from "./count-of.ts";
import { nameApi } from "../domain/name-api.ts";

const CODES_SHOWN_MAX = 5;

/** What a request would cost, before anything is done. */
export function describeEstimate(estimate: RequestEstimate): string {
  const { messages, missingDays, pendingDays, unknownCodes, unservedCodes, calls, apis, timeMs } = estimate;
  const lines = [
    `${countOf(messages, "message")}, ${countOf(calls, "provider call")}, ${describeTime(timeMs)}; nothing was done`,
    `  missing: ${countOf(missingDays, "trading day")} of all codes`,
    ...(pendingDays > 0 ? [`  days not published yet: ${pendingDays}`] : []),
    ...(unknownCodes.length > 0 ? [`  the stock list does not have ${nameSome(unknownCodes)}`] : []),
    ...(unservedCodes.length > 0 ? [`  no provider of the chain has it of ${nameSome(unservedCodes)}`] : []),
    ...apis.map(({ provider, api, calls: ofApi, callsPerMinute, timeMs: ofApiMs, daily }) =>
      [
        `  ${nameApi(provider, api)}: ${countOf(ofApi, "call")} at ${callsPerMinute} in any minute, ${describeTime(ofApiMs)}`,
        ...(daily === undefined ? [] : [`; the account has ${daily.calls} a day, ${daily.used} used`]),
      ].join(""),
    ),
    "  lists of suspensions for days that come back empty are not counted",
  ];
  return `${lines.join("\n")}\n`;
}

function nameSome(codes: readonly string[]): string {
  const more = codes.length > CODES_SHOWN_MAX ? " and more" : "";
  return `${codes.slice(0, CODES_SHOWN_MAX).join(",")}${more} (${codes.length})`;
}

function describeTime(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes === 0) {
    return "less than a minute";
  }
  if (minutes < 120) {
    return `about ${countOf(minutes, "minute")}`;
  }
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `about ${hours} hours` : `about ${Math.round(hours / 24)} days`;
}
