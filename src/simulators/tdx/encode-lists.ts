import { compactDay, type Day } from "../../domain/day.ts";
import { digitsOf } from "../../domain/security-code.ts";
import { ByteWriter } from "./byte-writer.ts";
import { encodeGbk } from "./gbk.ts";
import type { TdxAction, TdxFinance, TdxSecurity } from "./tdx-data.ts";

export type ListLayout = "classic" | "new";

const NAME_BYTES = { classic: 8, new: 16 } as const;

/** `isDamaged` puts a byte that begins no character into every name. */
export function encodeSecurities(securities: readonly TdxSecurity[], layout: ListLayout, isDamaged: boolean): Buffer {
  const out = new ByteWriter().u16(securities.length);
  for (const security of securities) {
    const name = encodeGbk(security.name).slice(0, NAME_BYTES[layout]);
    if (isDamaged) {
      name[Math.min(1, name.length - 1)] = 0xff;
    }
    out.digits(digitsOf(security.code)).u16(security.lotSize).fixed(name, NAME_BYTES[layout]);
    out.u32(security.listUnknown ?? 0);
    out
      .u8(security.decimals)
      .f32(security.preCloseMilli / 1_000)
      .u16(0)
      .u16(0);
  }
  return out.toBuffer();
}

export function encodeActions(market: number, digits: string, actions: readonly TdxAction[]): Buffer {
  const out = new ByteWriter().u16(1).u8(market).digits(digits).u16(actions.length);
  for (const { day, category, payload } of actions) {
    out.u8(market).digits(digits).u8(0).u32(dayNumber(day)).u8(category).fixed(payload, 16);
  }
  return out.toBuffer();
}

const FIGURES = 30;

export function encodeFinance(market: number, digits: string, finance: TdxFinance): Buffer {
  const out = new ByteWriter().u16(1).u8(market).digits(digits).f32(finance.floatShares);
  out.u16(finance.province).u16(finance.industry).u32(finance.updatedOn).u32(finance.listedOn);
  for (let index = 0; index < FIGURES; index += 1) {
    out.f32(finance.figures[index] ?? 0);
  }
  return out.toBuffer();
}

export function dayNumber(day: Day): number {
  return Number.parseInt(compactDay(day), 10);
}
