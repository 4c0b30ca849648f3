/**
 * One table of sizes, two runs: `npm test` is every scenario small, `npm run test:full` the numbers of the
 * requirements. A test takes its sizes from here and never asks which run it is in.
 */
const TABLE = {
  /** A consumer's session with the broker. */
  sessionMs: { small: 6_000, full: 30_000 },
  /** How long a service stays away in an outage. */
  outageMs: { small: 5_000, full: 30_000 },
  codes: { small: 30, full: 300 },
  /** Trading days of each code. */
  days: { small: 60, full: 250 },
  /** Messages of a run that counts messages. */
  messages: { small: 500, full: 10_000 },
  /** How often the demo is killed at a random moment. */
  demoKills: { small: 1, full: 5 },
  /** How often a chaos run kills something. */
  kills: { small: 3, full: 20 },
  /** How often a process is killed that has the embedded queue's file. */
  fileKills: { small: 10, full: 100 },
  /** How often the same request is repeated. */
  repeats: { small: 10, full: 10 },
  /** Inputs a property is tried with. */
  propertyRuns: { small: 200, full: 5_000 },
  /** Copies of the worker that share a group. */
  workers: { small: 2, full: 4 },
  /** Provider calls that workers with a limit of 60 a minute are asked for; beyond 120 for several windows. */
  budgetCalls: { small: 100, full: 170 },
  /** Where generated input begins; the same in both runs, so that a failure can be had again. */
  seed: { small: 20_250_123, full: 20_250_123 },
  /** Batches that each of eight callers writes to a store that fails at random. */
  stormBatches: { small: 18, full: 300 },
  /** Random malformed messages. */
  poison: { small: 400, full: 2_000 },
  /** Codes of the chaos run, each with eight messages, and how often its worker is killed. */
  chaosCodes: { small: 25, full: 125 },
  chaosKills: { small: 2, full: 5 },
  /** Codes of the rolling restart, and the messages of each. */
  rollingCodes: { small: 50, full: 400 },
  rollingMessages: { small: 10, full: 50 },
  /** Hostile answers that a decoder of a wire protocol is given, and how many of them come over a real connection. */
  fuzzInputs: { small: 3_000, full: 300_000 },
  fuzzConnections: { small: 60, full: 2_000 },
  /** The cap of one answer, in MiB, that hostile answers come up to. */
  answerMibMax: { small: 8, full: 64 },
  /** A handler that takes long: in two calls, each of them longer than a session. */
  longHandlerMs: { small: 14_000, full: 600_000 },
} as const;

export type Sizes = Readonly<Record<keyof typeof TABLE, number>>;

export const isFullRun = process.env["GINKGO_TEST_SIZE"] === "full";

export const sizes: Sizes = {
  sessionMs: pick("sessionMs"),
  outageMs: pick("outageMs"),
  codes: pick("codes"),
  days: pick("days"),
  messages: pick("messages"),
  demoKills: pick("demoKills"),
  kills: pick("kills"),
  fileKills: pick("fileKills"),
  repeats: pick("repeats"),
  propertyRuns: pick("propertyRuns"),
  workers: pick("workers"),
  budgetCalls: pick("budgetCalls"),
  seed: pick("seed"),
  stormBatches: pick("stormBatches"),
  poison: pick("poison"),
  chaosCodes: pick("chaosCodes"),
  chaosKills: pick("chaosKills"),
  rollingCodes: pick("rollingCodes"),
  rollingMessages: pick("rollingMessages"),
  fuzzInputs: pick("fuzzInputs"),
  fuzzConnections: pick("fuzzConnections"),
  answerMibMax: pick("answerMibMax"),
  longHandlerMs: pick("longHandlerMs"),
};

function pick(name: keyof typeof TABLE): number {
  return isFullRun ? TABLE[name].full : TABLE[name].small;
}
