import { TransientError } from "../../base/errors.ts";
import type { TdxConnection } from "./connection.ts";
import type { TdxHost } from "./host.ts";
import type { TdxPool } from "./pool.ts";
import { readBars, type BarsAnswer, type BarsQuestion } from "./read-bars.ts";
import { readDayTicks, type DayTicks } from "./read-ticks.ts";

/**
 * Hosts say nothing about what they lack: a host that does not serve us, or has lost a code, answers as one does for a
 * code that has no rows. So "nothing" counts only when it is said twice, by a connection that still brings the index in
 * between, and when another host says the same, where there is another.
 */
export async function askForBars(pool: TdxPool, question: BarsQuestion, signal: AbortSignal): Promise<BarsAnswer> {
  const read = async (connection: TdxConnection, host: TdxHost): Promise<BarsAnswer> => {
    const answer = await readBars(connection, question, signal);
    if (!answer.isNothing) {
      return answer;
    }
    await host.check(connection, signal);
    return await readBars(connection, question, signal);
  };
  const first = await pool.run(read, signal);
  if (!first.value.isNothing || !pool.hasOther(first.host)) {
    return first.value;
  }
  const second = await pool.run(read, signal, first.host);
  if (!second.value.isNothing) {
    pool.distrust(first.host, new TransientError(`asking ${first.host}: it lacks bars of ${question.code}`));
  }
  return second.value;
}

/** As with bars; and a day of which a page in the middle came empty is believed when two hosts cut it alike. */
export async function askForTicks(
  pool: TdxPool,
  question: Parameters<typeof readDayTicks>[1],
  signal: AbortSignal,
): Promise<DayTicks> {
  const { code, day } = question;
  const read = async (connection: TdxConnection, host: TdxHost): Promise<DayTicks> => {
    const answer = await readDayTicks(connection, question, signal);
    if (answer.state === "whole") {
      return answer;
    }
    await host.check(connection, signal);
    return await readDayTicks(connection, question, signal);
  };
  const first = await pool.run(read, signal);
  if (first.value.state === "whole") {
    return first.value;
  }
  const torn = `asking ${first.host} for ticks of ${code} on ${day}: a page in the middle came empty`;
  if (!pool.hasOther(first.host)) {
    return believeAlone(first.value, torn);
  }
  const second = await pool.run(read, signal, first.host);
  const isAgreed = first.value.state === second.value.state && first.value.ticks.length === second.value.ticks.length;
  if (isAgreed) {
    return second.value;
  }
  if (second.value.state === "whole") {
    pool.distrust(first.host, new TransientError(`asking ${first.host}: it lacks ticks of ${code} on ${day}`));
    return second.value;
  }
  throw new TransientError(`${torn}, and ${second.host} says otherwise`, { isAnswered: true });
}

function believeAlone(answer: DayTicks, torn: string): DayTicks {
  if (answer.state === "torn") {
    throw new TransientError(torn, { isAnswered: true });
  }
  return answer;
}
