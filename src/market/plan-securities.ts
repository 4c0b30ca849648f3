import { tradingDays } from "../domain/cn-trading-days.ts";
import type { Day } from "../domain/day.ts";
import { parseSecurityCode, type SecurityCode } from "../domain/security-code.ts";
import { BOARDS, type Board } from "./board.ts";
import { drawNaming } from "./names.ts";
import { createRandom, type Random } from "./random.ts";
import type { MarketSecurity } from "./security.ts";

/** Beyond this the code ranges of the boards run out. */
export const CODES_MAX = 6_000;

/** Positions in the market's days, `from` inclusive, `to` exclusive. */
export interface Positions {
  readonly from: number;
  readonly to: number;
}

/** What is laid down for a security before its days are drawn. */
export interface SecurityPlan {
  readonly security: MarketSecurity;
  /** The days on which it is listed. */
  readonly listed: Positions;
  /** It came to the exchange on `listed.from`; otherwise it was there before the market's first day. */
  readonly isNew: boolean;
  /** Whole days without trading, sorted, neither overlapping nor touching. */
  readonly suspended: readonly Positions[];
}

type Role = "plain" | "new" | "delisted" | "paused" | "suspended-at-start" | "suspended-at-end" | "suspended-once";

/**
 * The securities of a market, sorted by code, with listings, delistings, a paused one and suspensions. From
 * two codes on 600000.SH and 000001.SZ are among them, and both trade on every day of the market.
 */
export function planSecurities(seed: number, codes: number, days: readonly Day[]): readonly SecurityPlan[] {
  const random = createRandom(seed, "securities");
  const drawn = drawCodes(codes, random);
  const roles = drawRoles(codes, days.length, random);
  const special = new Set<number>();
  if (codes >= ROLES_FROM) {
    Array.from({ length: Math.max(1, Math.floor(codes / 30)) }, () => special.add(random.between(2, codes - 1)));
  }
  const earlierDays = findEarlierDays(days);
  return drawn
    .map(({ code, board }, index) =>
      planSecurity({
        code,
        board,
        role: roles[index] ?? "plain",
        isSpecialTreatment: special.has(index) && board.limitPercentSpecial < board.limitPercent,
        days,
        earlierDays: earlierDays.get(board) ?? [],
        random: createRandom(seed, `plan ${code}`),
      }),
    )
    .toSorted((left, right) => (left.security.code < right.security.code ? -1 : 1));
}

/** Smaller markets and shorter spans have plain securities only: there is no room for all the roles. */
const ROLES_FROM = 12;
const ROLE_DAYS_FROM = 20;

function drawRoles(codes: number, days: number, random: Random): readonly Role[] {
  const roles = Array.from({ length: codes }, (): Role => "plain");
  if (codes < ROLES_FROM || days < ROLE_DAYS_FROM) {
    return roles;
  }
  const order = Array.from({ length: codes - 2 }, (_, index) => index + 2);
  for (let index = order.length - 1; index > 0; index -= 1) {
    const other = random.below(index + 1);
    [order[index], order[other]] = [order[other] ?? 0, order[index] ?? 0];
  }
  const counts: readonly (readonly [Role, number])[] = [
    ["paused", 1],
    ["new", Math.max(1, Math.floor(codes / 25))],
    ["delisted", Math.max(1, Math.floor(codes / 60))],
    ["suspended-at-start", Math.max(1, Math.floor(codes / 60))],
    ["suspended-at-end", Math.max(1, Math.floor(codes / 60))],
    ["suspended-once", Math.max(1, Math.floor(codes / 6))],
  ];
  let taken = 0;
  for (const [role, count] of counts) {
    for (const index of order.slice(taken, taken + count)) {
      roles[index] = role;
    }
    taken += count;
  }
  return roles;
}

interface Draft {
  readonly code: SecurityCode;
  readonly board: Board;
  readonly role: Role;
  readonly isSpecialTreatment: boolean;
  readonly days: readonly Day[];
  /** Days on which it may have been listed before the market's first day. */
  readonly earlierDays: readonly Day[];
  readonly random: Random;
}

function planSecurity({ code, board, role, isSpecialTreatment, days, earlierDays, random }: Draft): SecurityPlan {
  const count = days.length;
  const listed: Positions = {
    from: role === "new" ? random.between(2, count - 3) : 0,
    to: role === "delisted" ? random.between(Math.floor(count / 2), count - 2) : count,
  };
  const suspended = drawSuspensions(role, count, listed, random);
  const pausedAt = role === "paused" ? suspended[0]?.from : undefined;
  const naming = drawNaming(random);
  const security: MarketSecurity = {
    ...naming,
    code,
    name: nameOf(naming.name, role, isSpecialTreatment),
    board,
    isSpecialTreatment,
    listedOn: (role === "new" ? days[listed.from] : drawOne(earlierDays, random)) ?? firstOf(days),
    delistedOn: role === "delisted" ? days[listed.to] : undefined,
    pausedOn: pausedAt === undefined ? undefined : days[pausedAt],
  };
  return { security, listed, isNew: role === "new", suspended };
}

const SUSPENDED_DAYS_MAX = 40;

function drawSuspensions(role: Role, count: number, listed: Positions, random: Random): readonly Positions[] {
  if (role === "plain" || role === "new") {
    return [];
  }
  if (role === "paused") {
    return [{ from: random.between(2, Math.floor(count / 2)), to: count }];
  }
  const length = random.chance(1, 3) ? 1 : random.between(1, Math.min(SUSPENDED_DAYS_MAX, Math.floor(count / 3)));
  if (role === "delisted") {
    return random.chance(1, 2) ? [{ from: listed.to - Math.min(length, 10), to: listed.to }] : [];
  }
  if (role === "suspended-at-start") {
    return [{ from: 0, to: length }];
  }
  if (role === "suspended-at-end") {
    return [{ from: count - length, to: count }];
  }
  const from = random.between(1, count - length - 1);
  const again = random.between(from + length + 1, count + SUSPENDED_DAYS_MAX);
  const once = { from, to: from + length };
  return again + 1 < count ? [once, { from: again, to: again + 1 }] : [once];
}

/** Trading days from a board's opening to the day before the market's first; where there are none, any before the first. */
function findEarlierDays(days: readonly Day[]): ReadonlyMap<Board, readonly Day[]> {
  const first = firstOf(days);
  const earlier = tradingDays().filter((day) => day < first);
  return new Map(
    BOARDS.map((board: Board) => {
      const own = earlier.filter((day) => day >= board.openedOn);
      return [board, own.length > 0 ? own : earlier];
    }),
  );
}

function drawOne(days: readonly Day[], random: Random): Day | undefined {
  return days.length > 0 ? days[random.below(days.length)] : undefined;
}

function firstOf(days: readonly Day[]): Day {
  const first = days[0];
  if (first === undefined) {
    throw new RangeError("planning a market: it has no days");
  }
  return first;
}

function nameOf(name: string, role: Role, isSpecialTreatment: boolean): string {
  if (role === "delisted") {
    return `退市${name.slice(0, 2)}`;
  }
  return isSpecialTreatment ? `*ST${name.slice(0, 2)}` : name;
}

interface DrawnCode {
  readonly code: SecurityCode;
  readonly board: Board;
}

/** 600000.SH and 000001.SZ, which examples and readers know. */
const KNOWN_PREFIXES = ["600", "000"] as const;

/** Codes spread over the boards by their shares; numbers go up by one to three, by one in a large market. */
function drawCodes(codes: number, random: Random): readonly DrawnCode[] {
  const stepMax = codes <= 2_000 ? 3 : 1;
  const lines = BOARDS.flatMap((board: Board) =>
    board.ranges.map(({ prefix, first }) => ({
      board,
      prefix,
      next: first,
      share: board.share / board.ranges.length,
      have: 0,
    })),
  );
  return Array.from({ length: codes }, (_, index) => {
    // The line that is furthest behind its share comes next, so that small markets have all boards, too.
    const known = lines.find(({ prefix }) => prefix === KNOWN_PREFIXES[index]);
    const behind = lines.reduce((best, other) =>
      (other.have + 1) * best.share < (best.have + 1) * other.share ? other : best,
    );
    const line = known ?? behind;
    const code = parseSecurityCode(`${line.prefix}${String(line.next).padStart(3, "0")}.${line.board.suffix}`);
    line.have += 1;
    line.next += random.between(1, stepMax);
    return { code, board: line.board };
  });
}
