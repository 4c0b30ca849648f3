/**
 * Parses JSON and leaves every number as its source text, so that 9007199254740993, 1e3 and 123456789012.3456 stay what
 * they were. A page of 6,000 × 11 takes some 40 ms; its provider takes more than a second.
 */
export function parseLossless(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? context?.source : value,
  );
}

/** Undefined when the body is no JSON, such as the HTML page of a gateway. */
export function parseBody(body: string): unknown {
  try {
    return parseLossless(body);
  } catch (error) {
    // A body nested beyond the stack is as unreadable as one that is no JSON.
    if (error instanceof SyntaxError || error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

/** The beginning of a body on one line, for an error. */
export function excerptOf(body: string): string {
  const text = body.slice(0, 400).replaceAll(/\s+/g, " ").trim();
  return text === "" ? "(empty)" : JSON.stringify(text.slice(0, 120));
}

export function isRecord(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}
