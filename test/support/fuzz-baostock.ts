import { existsSync, readdirSync, readFileSync } from "node:fs";
import { crc32, deflateSync, inflateSync } from "node:zlib";

import type { Frequency } from "../../src/domain/frequency.ts";
import type { DataSet } from "../../src/domain/rows.ts";
import { createRandom } from "../../src/market/random.ts";
import type { BaostockRequest } from "../../src/sources/baostock/table.ts";
import { GOLDEN, HOURS_REQUEST, PACKED_HOURS } from "../fixtures/baostock/golden-samples.ts";
import { packedBytes } from "./scripted-baostock.ts";
import { sizes } from "./sizes.ts";

const CAPTURES = `${process.env["GINKGO_TEST_DATA"] ?? "../shared/data"}/baostock`;
export const hasCaptures = existsSync(CAPTURES);

const S = "\u0001";
const HEADER_BYTES = 21;
const MARKER = "<![CDATA[]]>\n";

/** One good answer and what asked for it. */
export interface Seed {
  readonly bytes: Buffer;
  readonly request: BaostockRequest;
  readonly dataSet: DataSet;
  readonly frequency: Frequency;
}

/** A whole number from 0 to below this. */
export type Pick = (below: number) => number;

const FIELDS_AT: Readonly<Record<string, number>> = {
  query_history_k_data_plus: 8,
  query_trade_dates: 9,
  query_stock_basic: 9,
  query_adjust_factor: 10,
  query_dividend_data: 10,
  query_suspended_stocks: 8,
};
const DATA_SETS: Readonly<Record<string, DataSet>> = {
  query_history_k_data_plus: "bars",
  query_trade_dates: "trading-calendar",
  query_stock_basic: "stock-list",
};

function toSeed(request: string, bytes: Buffer): Seed {
  const type = request.slice(8, 10);
  const [method = "", , page = "", rows = "", ...params] = request.slice(HEADER_BYTES, request.lastIndexOf(S)).split(S);
  const frequency = params.includes("5") ? "5m" : params.includes("60") ? "60m" : "1d";
  return {
    bytes,
    request: {
      type,
      method,
      page: { number: Number(page), rows: Number(rows) },
      params,
      fieldsAt: FIELDS_AT[method] ?? 8,
    },
    dataSet: DATA_SETS[method] ?? "adjustment-factors",
    frequency,
  };
}

/** The golden answers, and the captures where there are any. */
export function seeds(): readonly Seed[] {
  const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll("·", S), "utf8");
  const sampled = GOLDEN.map(({ request, response }) =>
    toSeed((request ?? HOURS_REQUEST).replaceAll("·", S), bytesOf(response)),
  );
  const hours = toSeed(HOURS_REQUEST.replaceAll("·", S), Buffer.from(PACKED_HOURS, "hex"));
  const captured = hasCaptures
    ? readdirSync(CAPTURES).map((name) =>
        toSeed(
          readFileSync(`${CAPTURES}/${name}/request.bin`, "utf8"),
          readFileSync(`${CAPTURES}/${name}/response.bin`),
        ),
      )
    : [];
  return [...sampled, hours, ...captured];
}

const BITS = [
  S,
  "\n",
  MARKER,
  `"`,
  "[",
  "]",
  "]]}",
  "{",
  ",",
  "0",
  "9999999999",
  "<",
  "\u0000",
  "\ud800",
  "浦",
  "1e999",
  "-",
];

/** Some changes of bytes at random places, nothing to do with what they mean. */
export function mutate(bytes: Buffer, pick: Pick): Buffer {
  let changed = bytes;
  for (let change = pick(4); change >= 0; change -= 1) {
    const at = pick(changed.length + 1);
    const to = Math.min(changed.length, at + 1 + pick(30));
    const [head, cut, tail] = [changed.subarray(0, at), changed.subarray(at, to), changed.subarray(to)];
    const noise = Buffer.from(Array.from({ length: 1 + pick(8) }, () => pick(256)));
    const bit = Buffer.from(BITS[pick(BITS.length)] ?? "", "utf8");
    const ways = [
      () => [head, noise, changed.subarray(Math.min(changed.length, at + noise.length))],
      () => [head, tail],
      () => [head, cut, cut, tail],
      () => [head, bit, changed.subarray(at)],
      () => [head, bit, tail],
      () => [head],
      () => [tail, head],
      () => [changed, changed.subarray(at)],
    ];
    changed = Buffer.concat(ways[pick(ways.length)]?.() ?? []);
  }
  return changed;
}

/** Changes a body and frames it correctly again, so that what lies behind the checksum and the packing is reached. */
export function mutateWithin({ bytes }: Seed, pick: Pick): Buffer {
  const head = bytes.subarray(0, HEADER_BYTES);
  const type = bytes.toString("latin1", 8, 10);
  if (type === "96") {
    const length = Number(head.toString("latin1", 11));
    const body = inflateSync(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
    return packedBytes("96", deflateSync(mutate(body, pick), { level: 1 }));
  }
  const body = mutate(bytes.subarray(HEADER_BYTES, bytes.lastIndexOf(1)), pick);
  const whole = Buffer.concat([head, body]);
  return Buffer.concat([whole, Buffer.from(`${S}${crc32(whole)}${MARKER}`, "latin1")]);
}

export function split(bytes: Buffer, pick: Pick): readonly Buffer[] {
  const pieces: Buffer[] = [];
  const widest = [bytes.length + 1, 400, 7][pick(3)] ?? 7;
  for (let at = 0; at < bytes.length;) {
    const to = at + 1 + pick(widest);
    pieces.push(bytes.subarray(at, to));
    at = to;
  }
  return pieces;
}

/** The same draws in every run. */
export function createPick(stream: string): Pick {
  const random = createRandom(sizes.seed, stream);
  return (below) => random.below(below);
}
