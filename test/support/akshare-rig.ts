import assert from "node:assert/strict";

import { parseDay } from "../../src/domain/day.ts";
import type { DataSet } from "../../src/domain/rows.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import type { Call } from "../../src/domain/unit.ts";
import { RateLimitError } from "../../src/ports/budget.ts";
import type { Page, Source } from "../../src/ports/source.ts";
import { openAkshareSource, type AkshareSourceOptions } from "../../src/sources/akshare/source.ts";
import { ManualClock } from "./manual-clock.ts";
import { ScriptedHttp, type HttpAsked, type HttpReply } from "./scripted-http.ts";

/** The source before one scripted server in place of all upstreams, or of AKTools. */
export interface AkshareRig extends AsyncDisposable {
  readonly source: Source;
  readonly server: ScriptedHttp;
}

export async function openAkshareRig(
  reply: (asked: HttpAsked, count: number) => HttpReply,
  options: Partial<AkshareSourceOptions> & { readonly isBehindAktools?: true } = {},
): Promise<AkshareRig> {
  const server = await ScriptedHttp.open(reply);
  const place = options.isBehindAktools === true ? { aktoolsUrl: server.url } : { baseUrl: server.url };
  const clock = new ManualClock("2026-03-18T02:00:00Z");
  const source = openAkshareSource({ clock, pauseMs: 0, callMsMax: 2_000, ...place, ...options });
  return {
    source,
    server,
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

export function codesCall<D extends DataSet>(
  dataSet: D,
  code: string,
  days: readonly [string, string?],
  more: Partial<Call<D>> = {},
): Call<D> {
  const [from, to = from] = days;
  const selection = { by: "codes", codes: [parseSecurityCode(code)], from: parseDay(from), to: parseDay(to) } as const;
  return { dataSet, frequency: "1d", selection, ...more };
}

/** How long the ban holds that the call ended with. */
export async function waitOf(page: Promise<Page>): Promise<number> {
  const error = await page.then(
    () => assert.fail("it was answered"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RateLimitError, String(error));
  return error.retryAfterMs ?? 0;
}
