/** The command line cannot be understood; the process ends with exit code 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
