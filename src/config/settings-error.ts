import { PermanentError } from "../base/errors.ts";

/** Settings that the program cannot work with; the process ends with exit code 78. */
export class SettingsError extends PermanentError {
  override readonly name = "SettingsError";
  /** One sentence each; secrets do not appear in them. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], details: { readonly cause?: unknown } = {}) {
    super(problems.join("; "), "settings", details);
    this.problems = problems;
  }
}

/** Why a file that a setting names cannot be read, in words. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    ENOTDIR: "a part of the path is a file",
    EISDIR: "it is a folder, not a file",
    EACCES: "this user may not read it",
  };
  return known[code] ?? `it cannot be read (${code === "" ? String(error) : code})`;
}
