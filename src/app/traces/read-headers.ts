import { PermanentError } from "../../base/errors.ts";

/**
 * Headers as OpenTelemetry writes them: `name=value,name=value`, values percent-encoded. Throws PermanentError (settings),
 * without showing what was given.
 */
export function readHeaders(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = (text ?? "").split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(pairs.map(readHeader));
}

function readHeader(pair: string, at: number): readonly [string, string] {
  const equals = pair.indexOf("=");
  const name = pair.slice(0, Math.max(0, equals)).trim();
  try {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
      throw new TypeError("not a name");
    }
    const value = decodeURIComponent(pair.slice(equals + 1).trim());
    if (/[\r\n\0]/.test(value)) {
      throw new TypeError("not a value");
    }
    return [name, value];
  } catch {
    throw new PermanentError(`traces.headers: the header at place ${at + 1} is not name=value`, "settings");
  }
}
