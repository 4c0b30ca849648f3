import { systemClock, type Clock } from "../../base/clock.ts";
import { parseDay, SHANGHAI, type Day } from "../../domain/day.ts";
import { buildQuote, ZERO_QUOTE } from "./build-quote.ts";
import { commandOf, type CommandName } from "./commands.ts";
import { encodeBars, minuteLine, writeMinuteLine } from "./encode-bars.ts";
import { dayNumber, encodeActions, encodeFinance, encodeSecurities } from "./encode-lists.ts";
import { encodeQuotes, encodeSnapshot } from "./encode-quotes.ts";
import { encodeTicks, type TicksLayout } from "./encode-ticks.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { RequestFrame } from "./frames.ts";
import { encodeHandshake, encodeHeartbeat, encodeUpgrade } from "./handshake.ts";
import { categoryOf, pageOf, selectBars } from "./select-bars.ts";
import type { TdxData, TdxSecurity } from "./tdx-data.ts";
import { TdxView } from "./view.ts";

/** What a host has to say to a request. */
export interface Reply {
  /** Undefined where the real server stays silent. */
  readonly body: Buffer | undefined;
  readonly rows: number;
  /** What was asked for, for the log. */
  readonly params: Readonly<Record<string, string | number>>;
}

/** How a fault changes what is answered; the frame around it stays right. */
export interface Tweak {
  /** So many of the newest days are missing. */
  readonly staleDays?: number;
  /** Rows in a page at most. */
  readonly rowsMax?: number;
  /** The page behind the one asked for. */
  readonly isPageMissing?: boolean;
  /** As for a code that does not exist. */
  readonly isEmpty?: boolean;
  readonly isCharsetDamaged?: boolean;
}

const CAPS = {
  "security-list": 1_000,
  "security-list-new": 1_600,
  bars: 800,
  "bars-new": 800,
  "ticks-today": 1_800,
  "ticks-past": 2_000,
  "ticks-past-counted": 1_800,
  quotes: 80,
} as const;

/** Bodies shorter than this are no request of that command, and get no answer. */
const BODY_BYTES: Readonly<Record<CommandName, number>> = {
  handshake: 1,
  upgrade: 0,
  heartbeat: 0,
  "security-count": 2,
  "security-list": 4,
  "security-list-new": 10,
  bars: 16,
  "bars-new": 16,
  "minutes-today": 8,
  "minutes-past": 11,
  "ticks-today": 12,
  "ticks-past": 16,
  "ticks-past-counted": 16,
  quotes: 10,
  "corporate-actions": 9,
  finance: 9,
};

interface Asked {
  readonly command: CommandName;
  readonly body: Buffer;
  readonly view: TdxView;
  readonly clock: Clock;
  readonly tweak: Tweak;
}

/** The answer of a host in order; `undefined` for a command that it does not know. */
export function answerRequest(
  { type, body }: RequestFrame,
  data: TdxData,
  clock: Clock = systemClock,
  tweak: Tweak = {},
): Reply | undefined {
  const command = commandOf(type);
  if (command === undefined || body.length < BODY_BYTES[command]) {
    return undefined;
  }
  return HANDLERS[command]({ command, body, clock, tweak, view: new TdxView(data, clock, tweak.staleDays) });
}

const HANDLERS: Readonly<Record<CommandName, (asked: Asked) => Reply>> = {
  handshake: ({ clock, view, body }) => ({
    body: encodeHandshake(clock.now().toZonedDateTimeISO(SHANGHAI), tradingDayOf(view)),
    rows: 0,
    params: { step: body.readUInt8(0) },
  }),
  upgrade: () => ({ body: encodeUpgrade(), rows: 0, params: {} }),
  heartbeat: ({ view }) => ({ body: encodeHeartbeat(tradingDayOf(view)), rows: 0, params: {} }),
  "security-count": ({ body, view, tweak }) => {
    const market = body.readUInt16LE(0);
    const count = tweak.isEmpty === true ? 0 : listOf(view, market).length;
    return { body: market > 1 ? undefined : new ByteWriter().u16(count).toBuffer(), rows: count, params: { market } };
  },
  "security-list": (asked) => {
    const [market, start] = [asked.body.readUInt16LE(0), asked.body.readUInt16LE(2)];
    const reply = securitiesFrom(asked, market, start, CAPS["security-list"]);
    return market > 1 ? { ...reply, body: undefined, rows: 0 } : reply;
  },
  "security-list-new": (asked) => {
    const { body } = asked;
    const count = Math.min(body.readUInt32LE(6), CAPS["security-list-new"]);
    return securitiesFrom(asked, body.readUInt16LE(0), body.readUInt32LE(2), count);
  },
  bars: (asked) => bars(asked, CAPS.bars),
  "bars-new": (asked) => bars(asked, CAPS["bars-new"]),
  "minutes-today": minutesToday,
  "minutes-past": minutesPast,
  "ticks-today": (asked) => {
    const { body, view } = asked;
    const code = codeAt(body, body.readUInt16LE(0), 2);
    return ticks(asked, { layout: "today", code, day: view.sessionDay, startAt: 8, cap: CAPS["ticks-today"] });
  },
  "ticks-past": (asked) => ticksPast(asked, "past", CAPS["ticks-past"]),
  "ticks-past-counted": (asked) => ticksPast(asked, "past-counted", CAPS["ticks-past-counted"]),
  quotes,
  "corporate-actions": ({ body, view, tweak }) => {
    const market = body.readUInt8(2);
    const code = codeAt(body, market, 3);
    const isKnown = tweak.isEmpty !== true && view.data.security(code, view.today) !== undefined;
    const actions = isKnown ? view.data.actions(code, view.today) : [];
    return { body: encodeActions(market, digitsAt(body, 3), actions), rows: actions.length, params: { code } };
  },
  finance: ({ body, view, tweak }) => {
    const market = body.readUInt8(2);
    const code = codeAt(body, market, 3);
    const finance = tweak.isEmpty === true ? undefined : view.data.finance?.(code);
    return {
      body: finance === undefined ? NOTHING : encodeFinance(market, digitsAt(body, 3), finance),
      rows: finance === undefined ? 0 : 1,
      params: { code },
    };
  },
};

/** A count of no rows, which is never left out: an answer without any byte reads as a closed connection. */
const NOTHING = Buffer.from("0000", "hex");

function securitiesFrom({ view, tweak, command }: Asked, market: number, start: number, count: number): Reply {
  const from = tweak.isPageMissing === true ? start + count : start;
  const wanted = Math.min(count, tweak.rowsMax ?? count);
  const rows = tweak.isEmpty === true ? [] : listOf(view, market).slice(from, from + wanted);
  return {
    body: encodeSecurities(rows, command === "security-list" ? "classic" : "new", tweak.isCharsetDamaged === true),
    rows: rows.length,
    params: { market, start },
  };
}

function bars({ command, body, view, tweak }: Asked, cap: number): Reply {
  const code = codeAt(body, body.readUInt16LE(0), 2);
  const [number, multiplier, start, count] = [8, 10, 12, 14].map((at) => body.readUInt16LE(at));
  const params = { code, category: number ?? 0, start: start ?? 0, count: count ?? 0 };
  const category = categoryOf(params.category);
  const security = securityOf(view, code);
  if (category === undefined || security === undefined || multiplier !== 1 || tweak.isEmpty === true) {
    return { body: NOTHING, rows: 0, params };
  }
  const wanted = Math.min(params.count, cap, tweak.rowsMax ?? cap);
  const from = tweak.isPageMissing === true ? params.start + params.count : params.start;
  const rows = selectBars(view, security.code, category, from, wanted);
  return {
    body: encodeBars(rows, {
      category,
      isIndex: security.isIndex,
      stampOf: (bar) => view.stampOf(bar),
      isAbsolute: command === "bars-new",
    }),
    rows: rows.length,
    params,
  };
}

function minutesToday({ body, view, tweak }: Asked): Reply {
  const market = body.readUInt16LE(0);
  const code = codeAt(body, market, 2);
  const security = securityOf(view, code);
  const day = view.sessionDay;
  if (security === undefined || day === undefined || tweak.isEmpty === true) {
    return { body: NOTHING, rows: 0, params: { code } };
  }
  const rows = minuteLine(view.minuteBars(security.code, day), millisAUnit(security));
  const quote = view.data.quote?.(security.code) ?? buildQuote(view, security);
  return {
    body: encodeSnapshot({ market, digits: digitsAt(body, 2), quote }, rows),
    rows: rows.length,
    params: { code },
  };
}

function minutesPast({ body, view, tweak }: Asked): Reply {
  const code = codeAt(body, body.readUInt8(4), 5);
  const day = dayOf(body.readUInt32LE(0));
  const security = securityOf(view, code);
  const params = { code, date: body.readUInt32LE(0) };
  const isPast = day !== undefined && day < view.today && day <= (view.sessionDay ?? "");
  if (security === undefined || !isPast || tweak.isEmpty === true) {
    return { body: NOTHING, rows: 0, params };
  }
  const rows = minuteLine(view.minuteBars(security.code, day), millisAUnit(security));
  const out = new ByteWriter().u16(rows.length).f32(view.preCloseOf(security.code, day) / 1_000);
  writeMinuteLine(out, rows);
  return { body: rows.length === 0 ? NOTHING : out.toBuffer(), rows: rows.length, params };
}

/** Only days before the calendar's; the session of today has a command of its own. */
function ticksPast(asked: Asked, layout: TicksLayout, cap: number): Reply {
  const { body, view } = asked;
  const day = dayOf(body.readUInt32LE(0));
  const past = day !== undefined && day < view.today ? day : undefined;
  return ticks(asked, { layout, code: codeAt(body, body.readUInt16LE(4), 6), day: past, startAt: 12, cap });
}

interface TicksAsked {
  readonly layout: TicksLayout;
  readonly code: string;
  readonly day: Day | undefined;
  /** Where in the body start and count stand. */
  readonly startAt: number;
  readonly cap: number;
}

function ticks({ body, view, tweak }: Asked, { layout, code, day, startAt, cap }: TicksAsked): Reply {
  const [start, count] = [body.readUInt16LE(startAt), body.readUInt16LE(startAt + 2)];
  const params = { code, date: day ?? "", start, count };
  const security = securityOf(view, code);
  if (security === undefined || day === undefined || tweak.isEmpty === true) {
    return { body: encodeTicks({ ticks: [], layout, preCloseMilli: 0, millisAUnit: 1 }), rows: 0, params };
  }
  const from = tweak.isPageMissing === true ? start + count : start;
  const all = layout === "today" ? view.sessionTicks(security.code) : view.ticks(security.code, day);
  const rows = pageOf(all, from, Math.min(count, cap, tweak.rowsMax ?? cap));
  return {
    body: encodeTicks({
      ticks: rows,
      layout,
      preCloseMilli: view.preCloseOf(security.code, day),
      millisAUnit: millisAUnit(security),
    }),
    rows: rows.length,
    params,
  };
}

const QUOTED_BYTES = 7;

function quotes({ body, view, tweak }: Asked): Reply {
  const wanted = Math.min(body.readUInt16LE(8), CAPS.quotes, Math.floor((body.length - 10) / QUOTED_BYTES));
  const lines = Array.from(
    { length: tweak.isEmpty === true ? 0 : Math.min(wanted, tweak.rowsMax ?? wanted) },
    (_, index) => {
      const at = 10 + index * QUOTED_BYTES;
      const market = body.readUInt8(at);
      const security = securityOf(view, codeAt(body, market, at + 1));
      const quote =
        security === undefined ? ZERO_QUOTE : (view.data.quote?.(security.code) ?? buildQuote(view, security));
      return { market, digits: digitsAt(body, at + 1), quote };
    },
  );
  return { body: encodeQuotes(lines), rows: lines.length, params: { count: wanted } };
}

const SUFFIXES = ["SZ", "SH", "BJ"] as const;
/** The name by which terminals know the composite index of Shanghai. */
const COMPOSITE_ALIAS = "999999.SH";

function codeAt(body: Buffer, market: number, offset: number): string {
  const code = `${digitsAt(body, offset)}.${SUFFIXES[market] ?? ""}`;
  return code === COMPOSITE_ALIAS ? "000001.SH" : code;
}

function digitsAt(body: Buffer, offset: number): string {
  return body.toString("latin1", offset, offset + 6);
}

function securityOf(view: TdxView, code: string): TdxSecurity | undefined {
  return view.data.security(code, view.today);
}

function listOf(view: TdxView, market: number): readonly TdxSecurity[] {
  const suffix = SUFFIXES[market];
  return suffix === undefined ? [] : view.data.securities(view.today).filter(({ code }) => code.endsWith(suffix));
}

function millisAUnit({ decimals }: TdxSecurity): number {
  return decimals >= 3 ? 1 : 10;
}

function dayOf(number: number): Day | undefined {
  try {
    return parseDay(String(number));
  } catch {
    return undefined;
  }
}

function tradingDayOf(view: TdxView): number {
  return dayNumber(view.sessionDay ?? view.today);
}
