import { systemClock } from "../base/clock.ts";
import { PermanentError, tellingWhatToDo, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { toSnakeCase } from "../config/names.ts";
import { dayAt, SHANGHAI } from "../domain/day.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Lock } from "../ports/lock.ts";
import type { Inquiry, Question, Source } from "../ports/source.ts";
import type { AskApi, AskedRows, InquiryHelp } from "./ask-api.ts";
import { turnName } from "./fleet-turn.ts";
import { openBudgetSide } from "./open-budget.ts";
import { servedProvider } from "./provider-table.ts";

/** What a provider says beside the data sets: asked once, counted by the budget as any other call, and not stored. */
export const askCommands: AskApi = {
  inquiries: async (config, provider, log) => {
    // Opening makes no call.
    await using source = openSource(config, provider, log);
    return (source.inquiries ?? []).map(toHelp);
  },

  ask: async (config, { provider, what, question }, log, signal) => {
    await using budget = await openBudgetSide(config, log, signal);
    const askOnce = async (): Promise<AskedRows> => {
      await using source = openSource(config, provider, log);
      const inquiry = inquiryOf(source, what);
      const [capability] = source.capabilities;
      await budget.budget.acquire({ provider, api: capability?.api ?? what }, signal);
      return await askInTime(inquiry, question, signal);
    };
    const isShared = servedProvider(provider).isForOneWorker === true && config.redis.host !== undefined;
    return isShared ? await inOurTurn(provider, budget.lock, askOnce, signal) : await askOnce();
  },
};

/** A provider that bans an address with several connections is not asked beside a worker that has one. */
async function inOurTurn(
  provider: ProviderName,
  lock: Lock,
  act: () => Promise<AskedRows>,
  signal: AbortSignal,
): Promise<AskedRows> {
  const tooLong = new AbortController();
  const timer = setTimeout(() => tooLong.abort(), TURN_WAIT_MS_MAX);
  const begun = async (): Promise<AskedRows> => {
    clearTimeout(timer);
    return await act();
  };
  try {
    return await lock.withLock(turnName(provider), begun, AbortSignal.any([signal, tooLong.signal]));
  } catch (error) {
    if (tooLong.signal.aborted && !signal.aborted) {
      throw tellingWhatToDo(
        new TransientError(
          `asking ${provider}: a worker is using it, and several connections of one address are banned; try again in ten minutes, or stop the worker`,
        ),
      );
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

const TURN_WAIT_MS_MAX = 60_000;

function toHelp({ name, help, wants, needs = [] }: Inquiry): InquiryHelp {
  return { name, help, wants, needs };
}

async function askInTime(inquiry: Inquiry, question: Question, signal: AbortSignal): Promise<AskedRows> {
  const startedMs = systemClock.elapsedMs();
  const answered = await inquiry.ask(toClosed(inquiry, question), signal);
  const rows = answered.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, text]) => [toColumn(name), text])),
  );
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const said = new Set(rows.map(({ code }) => code));
  const isByCode = rows.length === 0 || columns.includes("code");
  const missing = isByCode ? question.codes.filter((code) => !said.has(code)) : [];
  return { columns, rows, missing, ms: Math.round(systemClock.elapsedMs() - startedMs) };
}

/** A range that begins somewhere goes to today where nothing else is said, and nobody has more than that. */
function toClosed({ wants }: Inquiry, question: Question): Question {
  const today = dayAt(systemClock.now(), SHANGHAI);
  const { from, to } = question;
  const isOpen = wants.includes("range") && from !== undefined && (to === undefined || to > today);
  return isOpen ? { ...question, to: today } : question;
}

/** Words that a view has another column name for. */
const COLUMNS: ReadonlyMap<string, string> = new Map([
  ["previousClose", "pre_close"],
  ["turnover", "amount"],
]);

function toColumn(name: string): string {
  return COLUMNS.get(name) ?? toSnakeCase(name);
}

function inquiryOf({ provider, inquiries = [] }: Source, what: string): Inquiry {
  const found = inquiries.find(({ name }) => name === what);
  if (found === undefined) {
    const known = inquiries.map(({ name }) => name).join(", ");
    throw new PermanentError(
      `${provider} cannot be asked for ${what}${known === "" ? "" : `: only for ${known}`}`,
      "settings",
    );
  }
  return found;
}

function openSource(config: Config, provider: ProviderName, log: Log): Source {
  const served = servedProvider(provider);
  served.check(config);
  return served.open(config, log);
}
