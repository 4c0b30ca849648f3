/** Words go to standard error; standard output holds JSON lines and nothing else. */
export function say(line: string): void {
  process.stderr.write(`bench consumer: ${line}\n`);
}
