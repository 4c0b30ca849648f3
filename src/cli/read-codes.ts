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
        const meant = meantBy(word.toUpperCase());
        throw new UsageError(
          `expected codes such as 600000.SH, 00700.HK or AAPL.US in ${where}, got ${JSON.stringify(word.slice(0, 40))}${meant === undefined ? "" : `, did you mean ${meant}?`}`,
        );
      }
    }
  }
  return [...codes];
}

/** As others write codes: Yahoo's Shanghai, Hong Kong without leading zeros, an American ticker alone, the exchange in front. */
function meantBy(word: string): SecurityCode | undefined {
  const [, prefix, digits] = /^(SH|SZ|BJ)\.?(\d{6})$/.exec(word) ?? [];
  const candidates = [
    word,
    word.replace(/^(\d{6})\.SS$/, "$1.SH"),
    word.replace(/^(\d{1,4})\.HK$/, (_, number: string) => `${number.padStart(5, "0")}.HK`),
    `${digits}.${prefix}`,
    ...(/^[A-Z]{1,5}$/.test(word) ? [`${word}.US`] : []),
  ];
  return candidates.find(isSecurityCode);
}
