import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

import { z } from "zod";

import type { BigMarketSize } from "./big-market.ts";

const sumsSchema = z.strictObject({
  bars: z.int(),
  open: z.string(),
  high: z.string(),
  low: z.string(),
  close: z.string(),
  volume: z.string(),
  amount: z.string(),
});
const readySchema = z.strictObject({
  url: z.string(),
  token: z.string(),
  bars: z.int(),
  codes: z.array(z.string()),
  from: z.string(),
  to: z.string(),
});
const endSchema = z.strictObject({
  byCode: z.array(z.tuple([z.string(), sumsSchema])),
  byDay: z.array(z.tuple([z.string(), sumsSchema])),
  calls: z.record(z.string(), z.int()),
});

export type ProviderReady = z.output<typeof readySchema>;
export type ProviderEnd = z.output<typeof endSchema>;

/** A simulated provider over a big market, in a process of its own so that its memory and its work are not the worker's. */
export interface BigProvider extends AsyncDisposable, ProviderReady {
  /** What must be stored by now, and how often what was asked. */
  tell(): Promise<ProviderEnd>;
}

const MAIN = path.join(import.meta.dirname, "big-provider-process.ts");

export async function startBigProvider(size: BigMarketSize): Promise<BigProvider> {
  const child = fork(MAIN, [JSON.stringify(size)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ended = once(child, "exit");
  const close = async (): Promise<void> => {
    if (child.connected) {
      child.disconnect();
    }
    await ended;
  };
  try {
    const ready = readySchema.parse(await nextMessage(child));
    return {
      ...ready,
      tell: async () => {
        child.send("tell");
        return endSchema.parse(await nextMessage(child));
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Rejects when the process ends instead. */
async function nextMessage(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  try {
    const answer = once(child, "message", { signal: over.signal });
    const end = once(child, "exit", { signal: over.signal });
    const [message] = (await Promise.race([
      answer,
      end.then(([code]) => {
        throw new Error(`the provider's process ended with ${String(code)}`);
      }),
    ])) as [unknown];
    answer.catch(() => undefined);
    end.catch(() => undefined);
    return message;
  } finally {
    over.abort();
  }
}
