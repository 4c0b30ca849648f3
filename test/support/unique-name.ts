import { randomBytes } from "node:crypto";

/** A name no other test uses, fit for a topic, a table, a database, a group or a key prefix. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString("hex")}`;
}
