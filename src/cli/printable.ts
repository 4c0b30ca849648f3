/**
 * Foreign text made safe for a terminal: control characters, escape sequences among them, are shown by their codes.
 * `keepsLines` leaves line breaks as they are.
 */
export function printable(text: string, keepsLines = false): string {
  return text
    .toWellFormed()
    .replaceAll(UNSAFE, (character) => (keepsLines && character === "\n" ? character : toCode(character)));
}

const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

function toCode(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}

/** At most so many characters, the last of them an ellipsis where something was left out. */
export function shorten(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text;
}
