import type { Cli } from "./cli.ts";
import { UsageError } from "./usage-error.ts";

/** Where data goes: a file that stands whole or not at all, or standard output. */
export interface DataOutput {
  write(piece: string | Uint8Array): Promise<void>;
}

/** Runs `work` with the output that `path` names, standard output where it names none. A failure leaves no file behind. */
export async function withDataOutput<Value>(
  cli: Cli,
  path: string | undefined,
  work: (output: DataOutput) => Promise<Value>,
): Promise<Value> {
  if (path === undefined) {
    return await work({
      write: (piece) => {
        cli.stdout.write(piece);
        return Promise.resolve();
      },
    });
  }
  const file = await cli.createFile(path);
  let value: Value;
  try {
    value = await work(file);
  } catch (error) {
    await file.drop();
    throw error;
  }
  await file.keep();
  return value;
}

/** The word after a flag, one of `known`; UsageError otherwise. */
export function oneOf<Word extends string>(flag: string, text: string, known: readonly Word[]): Word {
  const found = known.find((word) => word === text);
  if (found === undefined) {
    throw new UsageError(`expected one of ${known.join(", ")} after ${flag}, got ${JSON.stringify(text.slice(0, 40))}`);
  }
  return found;
}
