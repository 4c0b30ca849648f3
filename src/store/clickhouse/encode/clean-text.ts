/** Tabs, line ends and what else moves a cursor. */
const SPACING = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Every other control character, the null byte first of all. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
// oxlint-disable-next-line no-control-regex
const SUSPECT = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/;

/**
 * Text as it may be stored: line ends and tabs become one space, other control characters go, halves of surrogate pairs
 * become U+FFFD. Cleaning twice changes nothing.
 */
export function cleanText(text: string): string {
  if (!SUSPECT.test(text)) {
    return text;
  }
  return text.replaceAll(SPACING, " ").replaceAll(CONTROL, "").toWellFormed();
}
