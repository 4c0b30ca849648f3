import type { Temporal } from "temporal-polyfill";

import { ByteWriter } from "./byte-writer.ts";
import { encodeGbk } from "./gbk.ts";

/** Ends of the trading sessions in minutes since midnight, as told twice. */
const SESSIONS = [570, 690, 780, 900, 900, 900, 900, 900] as const;
const UPGRADE_BYTES = 178;
/** What a host tells a client that it does not want; from then on it is of no use to that connection. */
export const REFUSAL_TEXT = "客户端与行情主站不匹配,不能使用!";

/** 189 bytes: the host's time, the sessions, the trading day and the names of host and product. */
export function encodeHandshake(now: Temporal.ZonedDateTime, tradingDay: number): Buffer {
  const out = new ByteWriter().u8(0).u16(now.year).u8(now.day).u8(now.month).u8(now.minute).u8(now.hour);
  out.u8(0).u8(now.second);
  for (const minute of [...SESSIONS, ...SESSIONS]) {
    out.u16(minute);
  }
  out.u8(0).u32(tradingDay).u16(0x4a1a).u16(1).u32(tradingDay).u16(0x4a1b).u16(1);
  out.u16(255).u16(231).u8(0).u8(1).u8(1).u8(1).u8(255).u8(0);
  out.fixed(encodeGbk("上海双线主站14"), 80);
  return out.zeros(6).u8(1).zeros(4).fixed(encodeGbk("#通达信"), 30).toBuffer();
}

/** The answer to the third packet of old clients: a tip about upgrades, empty but for the greeting. */
export function encodeUpgrade(): Buffer {
  return new ByteWriter()
    .u8(0)
    .u16(0)
    .fixed(encodeGbk("欢迎使用"), 50)
    .zeros(UPGRADE_BYTES - 53)
    .toBuffer();
}

export function encodeHeartbeat(tradingDay: number): Buffer {
  return new ByteWriter().zeros(6).u32(tradingDay).toBuffer();
}
