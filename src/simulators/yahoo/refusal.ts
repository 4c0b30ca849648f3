import { granularityOf, INTERVALS, type IntervalName } from "./intervals.ts";

/** An error of the provider's form, in its envelope. Texts are the provider's own. */
export interface Refusal {
  readonly status: number;
  readonly envelope: "chart" | "finance" | "quoteSummary";
  readonly code: string;
  readonly description: string;
}

export function refusalText({ envelope, code, description }: Refusal): string {
  return JSON.stringify({ [envelope]: { result: null, error: { code, description } } });
}

export const TOO_MANY_REQUESTS = "Edge: Too Many Requests";

export const NOT_FOUND: Refusal = {
  status: 404,
  envelope: "chart",
  code: "Not Found",
  description: "No data found, symbol may be delisted",
};

export const INVALID_CRUMB: Refusal = {
  status: 401,
  envelope: "finance",
  code: "Unauthorized",
  description: "Invalid Crumb",
};

export const INVALID_COOKIE: Refusal = { ...INVALID_CRUMB, description: "Invalid Cookie" };

export const NO_FUNDAMENTALS: Refusal = {
  status: 404,
  envelope: "quoteSummary",
  code: "Not Found",
  description: "No fundamentals data found for any of the summaryTypes=assetProfile",
};

/** Of a service that the simulator does not have; clients of those expect JSON. */
export const NO_SUCH_PATH: Refusal = {
  status: 404,
  envelope: "finance",
  code: "Not Found",
  description: "HTTP 404 Not Found",
};

export function badRequest(description: string): Refusal {
  return { status: 400, envelope: "chart", code: "Bad Request", description };
}

export function unknownInterval(text: string): Refusal {
  return badRequest(`Invalid input - interval=${text} is not supported. Valid intervals: [${INTERVALS.join(", ")}]`);
}

export function noDataBetween(from: number, to: number): Refusal {
  return badRequest(`Data doesn't exist for startDate = ${from}, endDate = ${to}`);
}

export function tooFarBack(interval: IntervalName, from: number, to: number, days: number): Refusal {
  return unprocessable(interval, from, to, `The requested range must be within the last ${days} days.`);
}

export function tooWide(interval: IntervalName, from: number, to: number, days: number): Refusal {
  const label = granularityOf(interval);
  const why = `Only ${days} days worth of ${label} granularity data are allowed to be fetched per request.`;
  return unprocessable(interval, from, to, why);
}

function unprocessable(interval: IntervalName, from: number, to: number, why: string): Refusal {
  return {
    status: 422,
    envelope: "chart",
    code: "Unprocessable Entity",
    description: `${granularityOf(interval)} data not available for startTime=${from} and endTime=${to}. ${why}`,
  };
}
