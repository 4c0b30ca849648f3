import { createHash } from "node:crypto";

/** The name space of this program's keys; drawn once, never to change. */
const NAMESPACE = Buffer.from("6f0d3b6c9a514d0f8d5e2c1b7a4e9f30", "hex");

/** UUIDv5 of a key without dashes: the same key has the same uuid in every process, so two workers meet in one row. */
export function uuidOfKey(key: string): string {
  const bytes = createHash("sha1").update(NAMESPACE).update(key, "utf8").digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex");
}
