import { canonicalCode } from "../domain/code-alias.ts";
import { isSecurityCode, type SecurityCode } from "../domain/security-code.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Codes with commas, blanks or line ends between them; `#` starts a comment. Without repeats, in the order given, and a
 * code that was given up as the one that took its place.
 * UsageError names the first that is none, `what` says where it stands.
 */
export function readCodeList(text: string, what: string): readonly SecurityCode[] {
  const codes = new Set<SecurityCode>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    for (const word of line.replace(/#.*/, "").split(/[\s,]+/)) {
      if (isSecurityCode(word)) {
        codes.add(canonicalCode(word));
      } else if (word !== "") {
        const where = text.includes("\n") ? `line ${index + 1} of ${what}` : what;
        const meant = isSecurityCode(word.toUpperCase()) ? `, did you mean ${word.toUpperCase()}?` : "";
        throw new UsageError(
          `expected codes such as 600000.SH in ${where}, got ${JSON.stringify(word.slice(0, 40))}${meant}`,
        );
      }
    }
  }
  return [...codes];
}
