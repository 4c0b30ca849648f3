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
