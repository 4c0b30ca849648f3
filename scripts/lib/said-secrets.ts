import { searchSecrets } from "./secret-search.ts";

/**
 * Searches all that was said for the secrets that tests gave to the program, says each place and the sum. Answers whether none
 * was found; a folder without a file proves nothing, and is not passed off as clean.
 */
export function tellSecrets(folder: string, secrets: readonly string[], say: (line: string) => void): boolean {
  const startedMs = performance.now();
  const { files, bytes, hits } = searchSecrets(folder, secrets);
  for (const { file, line, form } of hits) {
    say(`A SECRET WAS SAID: ${file} line ${line}, written ${form}`);
  }
  const ms = Math.round(performance.now() - startedMs);
  say(`secrets: ${hits.length} hits of ${secrets.length} secrets in ${bytes} bytes of ${files} files (${ms} ms)`);
  return hits.length === 0 && bytes > 0;
}
