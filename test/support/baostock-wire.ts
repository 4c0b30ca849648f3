import { crc32, inflateSync } from "node:zlib";

import type { RawConnection } from "./raw-connection.ts";

/** BaoStock's frames for tests that look at bytes; written apart from the simulator and the source, from the protocol page. */
const SEPARATOR = "\u0001";
const HEADER_BYTES = 21;
const MARKER = "<![CDATA[]]>\n";

/** Text in which `|` stands for the byte 01. */
export function wire(text: string): Buffer {
  return Buffer.from(text.replaceAll("|", SEPARATOR));
}

/** A request with right length and checksum; `|` stands between its fields. */
export function request(type: string, body: string, version = "00.9.40"): Buffer {
  const signed = `${version}|${type}|${String(Array.from(body).length).padStart(10, "0")}${body}`;
  return wire(`${signed}|${crc32(wire(signed))}\n`);
}

export const LOGIN = request("00", "login|anonymous|123456|0");

export interface ReadAnswer {
  readonly version: string;
  readonly type: string;
  readonly length: number;
  readonly fields: readonly string[];
  /** Of success; none when there are no rows. */
  readonly rows: readonly (readonly string[])[];
}

/** Takes a frame apart; compressed bodies are inflated. */
export function readAnswer(frame: Buffer): ReadAnswer {
  const [version = "", type = "", length = ""] = frame.subarray(0, HEADER_BYTES).toString("latin1").split(SEPARATOR);
  const tail = frame.lastIndexOf(SEPARATOR);
  const isCompressed = frame[HEADER_BYTES] === 0x78;
  const body = frame.subarray(HEADER_BYTES, isCompressed ? HEADER_BYTES + Number(length) : tail);
  const fields = (isCompressed ? inflateSync(body) : body).toString("utf8").split(SEPARATOR);
  const data = fields.find((field) => field.startsWith('{"record":'));
  const record: { readonly record: string[][] } = JSON.parse(data ?? '{"record":[]}');
  return { version, type, length: Number(length), fields, rows: record.record };
}

/** Whether the bytes end with the marker. */
export function isWhole(bytes: Buffer): boolean {
  return bytes.subarray(-MARKER.length).toString("latin1") === MARKER;
}

/** How many markers there are. */
export function frames(bytes: Buffer): number {
  return bytes.toString("latin1").split(MARKER).length - 1;
}

export async function ask(connection: RawConnection, bytes: Uint8Array): Promise<Buffer> {
  connection.send(bytes);
  return connection.receive(isWhole);
}
