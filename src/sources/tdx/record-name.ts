import { exchangeOf, isMainland, isSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { RecordFrequency } from "./file-records.ts";

/** What the name of a file says it is. */
export type NamedFile =
  | { readonly is: "records"; readonly code: SecurityCode; readonly frequency: RecordFrequency }
  /** A record file by its ending, and before it stands no exchange and code. */
  | { readonly is: "no-code" }
  /** A record file of futures, funds off the exchange or foreign shares: `31#00700.day`. Its records have another form. */
  | { readonly is: "other-market" }
  | { readonly is: "other-kind"; readonly ending: string };

const FREQUENCIES: ReadonlyMap<string, RecordFrequency> = new Map([
  ["day", "1d"],
  ["lc1", "1m"],
  ["lc5", "5m"],
]);

/** `sz000001.day`, in capitals as well, since the client runs on Windows. */
export function readRecordName(name: string): NamedFile {
  const at = name.lastIndexOf(".");
  const ending = at === -1 ? "" : name.slice(at + 1).toLowerCase();
  const frequency = FREQUENCIES.get(ending);
  if (frequency === undefined) {
    return { is: "other-kind", ending };
  }
  const stem = name.slice(0, at).toUpperCase();
  const code = `${stem.slice(2)}.${stem.slice(0, 2)}`;
  // The client keeps no records of others under a name of this form.
  if (isSecurityCode(code) && isMainland(exchangeOf(code))) {
    return { is: "records", code, frequency };
  }
  return { is: /^\d+#/.test(stem) ? "other-market" : "no-code" };
}
