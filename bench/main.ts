/** `npm run bench -- <name> [flags]`: JSON lines on standard output, words on standard error. */
const BENCHES: Readonly<Record<string, () => Promise<(args: readonly string[]) => Promise<void>>>> = {
  consumer: async () => (await import("./consumer.ts")).benchConsumer,
  memory: async () => (await import("./memory.ts")).benchMemory,
  service: async () => (await import("./service.ts")).benchService,
  sources: async () => (await import("./sources.ts")).benchSources,
  traces: async () => (await import("./traces.ts")).benchTraces,
  write: async () => (await import("./write.ts")).benchWrite,
};

const [name = "", ...args] = process.argv.slice(2);
const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (load === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHES).join(" | ")} [flags]\n`);
  process.exitCode = 64;
} else {
  const bench = await load();
  await bench(args);
}
