import { Temporal } from "temporal-polyfill";

import { dayAt, parseDay, SHANGHAI, type Day, type ZoneName } from "./day.ts";

/** A moment as producers write it. */
export interface WireTime {
  readonly at: Temporal.Instant;
  /** The day it falls on in `zone`; a day that was written alone is that day. */
  readonly day: Day;
}

const CHARACTERS_MAX = 64;
const DATE_ALONE = /^\d{4}-?\d{2}-?\d{2}$/;
const WITH_TIME = /^\d{4}-?\d{2}-?\d{2}[Tt ]\d{2}/;
const HAS_ZONE = /(?:[Zz]|[+-]\d{2}(?::?\d{2})?|\])$/;

/**
 * Reads ISO 8601: a day (`2024-01-01`, `20240101`), or a day and a time with `T` or a blank between them, with or
 * without zone. Without a zone it is wall clock of `zone`. Undefined for anything else, numbers included.
 */
export function readWireTime(input: unknown, zone: ZoneName = SHANGHAI): WireTime | undefined {
  if (typeof input !== "string" || input.length > CHARACTERS_MAX) {
    return undefined;
  }
  try {
    if (DATE_ALONE.test(input)) {
      const day = parseDay(input);
      return { day, at: Temporal.PlainDate.from(day).toZonedDateTime(zone).toInstant() };
    }
    if (!WITH_TIME.test(input)) {
      return undefined;
    }
    const at = HAS_ZONE.test(input.slice(10))
      ? Temporal.Instant.from(input)
      : Temporal.PlainDateTime.from(input, { overflow: "reject" }).toZonedDateTime(zone).toInstant();
    // A year beyond 9999 has another form, which would neither compare nor sort as a Day.
    return { at, day: parseDay(dayAt(at, zone)) };
  } catch {
    return undefined;
  }
}
