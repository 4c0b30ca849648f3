import { parseSecurityCode } from "../../src/domain/security-code.ts";
import type { TdxData } from "../../src/simulators/tdx/tdx-data.ts";

const CODE = "000001.SZ";
const INDEX = "000001.SH";

/** Servers have the composite index, which whoever looks for a good server asks for; the recording has no such days. */
export function withIndex(data: TdxData): TdxData {
  const bars = data.dayBars(CODE).map((bar) => ({ ...bar, ups: 1, downs: 1 }));
  const index = {
    code: parseSecurityCode(INDEX),
    name: "index",
    decimals: 2,
    lotSize: 100,
    isIndex: true,
    preCloseMilli: 0,
  };
  return {
    ...data,
    security: (code, today) => (code === INDEX ? index : data.security(code, today)),
    dayBars: (code) => (code === INDEX ? bars : data.dayBars(code)),
  };
}
