/** The type codes of the standard protocol that the simulator answers; every other one it leaves unanswered. */
export const COMMANDS = {
  handshake: 0x000d,
  upgrade: 0x0fdb,
  heartbeat: 0x0004,
  "security-count": 0x044e,
  "security-list": 0x0450,
  "security-list-new": 0x044d,
  bars: 0x052d,
  "bars-new": 0x0523,
  "minutes-today": 0x051d,
  "minutes-past": 0x0fb4,
  "ticks-today": 0x0fc5,
  "ticks-past": 0x0fb5,
  "ticks-past-counted": 0x0fc6,
  quotes: 0x053e,
  "corporate-actions": 0x000f,
  finance: 0x0010,
} as const satisfies Readonly<Record<string, number>>;

export type CommandName = keyof typeof COMMANDS;

export function isCommandName(name: unknown): name is CommandName {
  return typeof name === "string" && Object.hasOwn(COMMANDS, name);
}

const BY_TYPE: ReadonlyMap<number, CommandName> = new Map(
  Object.keys(COMMANDS)
    .filter(isCommandName)
    .map((name) => [COMMANDS[name], name] as const),
);

export function commandOf(type: number): CommandName | undefined {
  return BY_TYPE.get(type);
}

/** Commands to which a host answers hollow once it has refused a client. */
export const MARKET_DATA_COMMANDS: ReadonlySet<CommandName> = new Set<CommandName>([
  "bars",
  "bars-new",
  "minutes-today",
  "minutes-past",
  "ticks-today",
  "ticks-past",
  "ticks-past-counted",
  "quotes",
]);
