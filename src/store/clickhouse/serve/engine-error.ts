/** An error in the engine's words: a number, a text and, in its end, the number's name. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

/** What is answered with these, as ClickHouse's `exceptionCodeToHTTPStatus` has it; everything else is 500. */
const STATUS_CODES: readonly (readonly [number, readonly number[]])[] = [
  [400, [6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676]],
  [401, [194]],
  [403, [192, 193, 497, 512, 516]],
  [404, [46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511]],
  [408, [159]],
  [411, [381]],
  [413, [229]],
  [501, [48]],
  [503, [76, 209, 439]],
];

/** The HTTP status that goes with an engine's error code. */
export function statusOf(code: number): number {
  return STATUS_CODES.find(([, codes]) => codes.includes(code))?.[0] ?? 500;
}

/**
 * Brings what chDB throws to the form of a server's answer. Data come to the engine as a file, so its text is
 * wrapped once more and names that file: both are taken away.
 */
export function toEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) {
    return error;
  }
  let text = error instanceof Error ? error.message : String(error);
  const doubled = /^Code: (\d+)\. DB::Exception: (Code: \1\. DB::Exception: [\s\S]*)$/.exec(text);
  if (doubled !== null) {
    text = (doubled[2] ?? text).replace(/ \(version [^)]*\)\. \([A-Z_0-9]+\)\s*$/, "");
  }
  text = text
    .replace(/: \(in file\/uri [^)]*\)/, "")
    .replace(/: While executing File: data for INSERT was parsed from file\.?/, ".")
    .replace(/: data for INSERT was parsed from file/, "");
  const code = /^Code: (\d+)\. DB::Exception: /.exec(text)?.[1];
  return code === undefined
    ? new EngineError(1002, `Code: 1002. DB::Exception: ${text}. (UNKNOWN_EXCEPTION)`)
    : new EngineError(parseInt(code, 10), text.trim());
}
