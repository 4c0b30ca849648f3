import type { Command } from "./command.ts";
import { ByteReader, unpackDate } from "./primitives.ts";

const HANDSHAKE_SIZE = 189;
const NAME_AT = 68;

export interface Handshake {
  readonly serverName: string;
  /** The server's wall clock, `YYYY-MM-DD HH:MM:SS`. */
  readonly serverTime: string;
}

/**
 * The only greeting that is sent. The other one that old clients send (0x0FDB) makes most hosts answer everything after
 * it with nothing.
 */
export const HANDSHAKE: Command<Handshake> = {
  name: "handshake",
  type: 0x000d,
  body: Buffer.from([0x01]),
  read: (body) => {
    const reader = new ByteReader(body, "handshake");
    if (body.length < HANDSHAKE_SIZE) {
      // Its content is of no consequence, and other software that serves this protocol may be brief.
      return { serverName: "", serverTime: "" };
    }
    reader.skip(1);
    const year = reader.u16();
    const [day, month, minute, hour] = [reader.u8(), reader.u8(), reader.u8(), reader.u8()];
    reader.skip(1);
    const second = reader.u8();
    reader.skip(NAME_AT - 9);
    return {
      serverTime: `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`,
      serverName: reader.gbk(22),
    };
  },
};

/** Answers with the current trading date as ISO text. */
export const HEARTBEAT: Command<string> = {
  name: "heartbeat",
  type: 0x0004,
  body: Buffer.alloc(0),
  read: (body) => {
    const reader = new ByteReader(body, "heartbeat");
    reader.skip(6);
    return unpackDate(reader.u32());
  },
};

function two(value: number): string {
  return value.toString().padStart(2, "0");
}
