import type { Socket } from "node:net";

import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../market/random.ts";
import { answerRequest, type Reply, type Tweak } from "./answer-request.ts";
import { ByteWriter } from "./byte-writer.ts";
import { commandOf, MARKET_DATA_COMMANDS } from "./commands.ts";
import type { FaultPlan, SettledFault } from "./faults.ts";
import { encodeFrame, RequestReader, type RequestFrame } from "./frames.ts";
import { encodeGbk } from "./gbk.ts";
import { encodeHeartbeat, REFUSAL_TEXT } from "./handshake.ts";
import type { OpenRequest, RequestLog } from "./request-log.ts";
import type { TdxData } from "./tdx-data.ts";

export interface ConnectionParts {
  readonly data: TdxData;
  readonly clock: Clock;
  readonly log: RequestLog;
  readonly faults: FaultPlan;
  readonly random: Random;
  readonly drawLatencyMs: () => number;
  /** Whether the third packet of old clients is refused, as most hosts do since 2026. */
  readonly refusesUpgrade: boolean;
}

/** One client, whose requests are answered in the order in which they came. */
export class Connection {
  readonly #socket: Socket;
  readonly #number: number;
  readonly #parts: ConnectionParts;
  readonly #signal: AbortSignal;
  /** How market data are answered once this client was refused. */
  #hollow: "zero" | "asked" | undefined;
  /** Answers that wait to leave with the next one. */
  #held: Buffer[] = [];
  #lastFrame: Buffer | undefined;

  constructor(socket: Socket, number: number, parts: ConnectionParts, signal: AbortSignal) {
    this.#socket = socket;
    this.#number = number;
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Ends when the client or a fault ends the connection; rejects when the signal aborts. */
  async serve(): Promise<void> {
    const reader = new RequestReader();
    for await (const chunk of this.#socket) {
      for (const frame of reader.push(Buffer.from(chunk))) {
        await this.#answer(frame);
      }
    }
    this.#socket.end();
  }

  async #answer(frame: RequestFrame): Promise<void> {
    const { log, faults, clock } = this.#parts;
    const command = commandOf(frame.type);
    const fault =
      faults.take(command, `${frame.type} ${frame.body.toString("hex")}`) ??
      (command === "upgrade" ? this.#refusal() : undefined);
    const isSpoilt = this.#hollow !== undefined && command !== undefined && MARKET_DATA_COMMANDS.has(command);
    const entry = log.add({
      atMs: clock.nowMs(),
      connection: this.#number,
      sequence: frame.sequence,
      type: frame.type,
      command,
      params: {},
      rows: 0,
      bytes: 0,
      fault: isSpoilt ? "refused-before" : fault?.kind,
    });
    const reply = answerRequest(frame, this.#parts.data, clock, tweakOf(fault));
    entry.params = reply?.params ?? {};
    const latencyMs = this.#parts.drawLatencyMs() + (fault?.kind === "slow" ? fault.ms : 0);
    if (latencyMs > 0) {
      await clock.sleep(latencyMs, this.#signal);
    }
    if (reply?.body === undefined || fault?.kind === "silence") {
      return;
    }
    if (isSpoilt) {
      await this.#send(encodeFrame(frame, hollowBody(reply, this.#hollow)), entry);
      return;
    }
    entry.rows = reply.rows;
    await this.#answerWithFault(frame, { ...reply, body: reply.body }, fault, entry);
  }

  #refusal(): SettledFault | undefined {
    return this.#parts.refusesUpgrade ? { kind: "refused", rows: "asked" } : undefined;
  }

  async #answerWithFault(
    frame: RequestFrame,
    reply: Reply & { readonly body: Buffer },
    fault: SettledFault | undefined,
    entry: OpenRequest,
  ): Promise<void> {
    const whole = encodeFrame(frame, reply.body);
    switch (fault?.kind) {
      case "hollow":
        entry.rows = 0;
        return this.#send(encodeFrame(frame, hollowBody(reply, fault.rows)), entry);
      case "refused":
        this.#hollow = fault.rows;
        entry.rows = 0;
        return this.#send(encodeFrame(frame, encodeGbk(REFUSAL_TEXT), { isDeflated: false }), entry);
      case "close":
        await this.#send(whole.subarray(0, fault.afterBytes), entry);
        this.#socket.end();
        return undefined;
      case "reset":
        await this.#send(whole.subarray(0, fault.afterBytes), entry);
        this.#socket.resetAndDestroy();
        return undefined;
      case "drip":
        return this.#drip(whole, fault.bytes, fault.ms, entry);
      case "merged":
        return this.#hold(whole, fault.msMax, entry);
      case "wrong-magic":
        whole.writeUInt32BE(0xb1cb7500, 0);
        return this.#send(whole, entry);
      case "wrong-length":
        whole.writeUInt16LE((whole.readUInt16LE(12) + fault.wire) & 0xffff, 12);
        whole.writeUInt16LE((whole.readUInt16LE(14) + fault.inflated) & 0xffff, 14);
        return this.#send(whole, entry);
      case "corrupt-zlib": {
        const deflated = encodeFrame(frame, reply.body, { isDeflated: true });
        // The last four bytes are the checksum, so that the stream itself still inflates.
        deflated.writeUInt8(deflated.readUInt8(deflated.length - 1) ^ 0xff, deflated.length - 1);
        return this.#send(deflated, entry);
      }
      case "garbage":
        return this.#send(Buffer.concat([this.#garbage(fault.bytes), whole]), entry);
      case "late":
        return this.#send(Buffer.concat([this.#olderFrame(frame), whole]), entry);
      case "stale":
      case "missing-page":
      case "short-page":
      case "empty":
      case "bad-charset":
      case "slow":
      case "silence":
      case undefined:
        return this.#send(whole, entry);
    }
  }

  /** A frame in one write, with those that waited for it. */
  async #send(bytes: Buffer, entry: OpenRequest): Promise<void> {
    const waiting = this.#held;
    this.#held = [];
    entry.bytes += bytes.length;
    this.#lastFrame = bytes;
    await this.#write(Buffer.concat([...waiting, bytes]));
  }

  async #hold(bytes: Buffer, msMax: number, entry: OpenRequest): Promise<void> {
    entry.bytes += bytes.length;
    this.#lastFrame = bytes;
    this.#held.push(bytes);
    const held = this.#held;
    const flush = async (): Promise<void> => {
      await this.#parts.clock.sleep(msMax, this.#signal);
      if (this.#held === held && !this.#socket.destroyed) {
        this.#held = [];
        await this.#write(Buffer.concat(held));
      }
    };
    // It ends with the connection; a client that went away meanwhile is no error of the simulator.
    flush().catch(() => undefined);
    return Promise.resolve();
  }

  async #drip(bytes: Buffer, size: number, ms: number, entry: OpenRequest): Promise<void> {
    for (let from = 0; from < bytes.length; from += size) {
      await this.#send(bytes.subarray(from, from + size), entry);
      await this.#parts.clock.sleep(ms, this.#signal);
    }
    this.#lastFrame = bytes;
  }

  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error === undefined || error === null) {
          resolve();
        } else {
          reject(error);
        }
      });
    });
  }

  #garbage(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.#parts.random.below(256)));
  }

  #olderFrame({ sequence }: RequestFrame): Buffer {
    const older = { sequence: (sequence - 1) >>> 0, type: 0x0004 };
    return this.#lastFrame ?? encodeFrame(older, encodeHeartbeat(0));
  }
}

function hollowBody({ rows, params }: Reply, wanted: "zero" | "asked" | undefined): Buffer {
  const asked = params["count"];
  const count = typeof asked === "number" ? asked : rows;
  return new ByteWriter().u16(wanted === "zero" ? 0 : count).toBuffer();
}

function tweakOf(fault: SettledFault | undefined): Tweak {
  return {
    ...(fault?.kind === "stale" ? { staleDays: fault.days } : {}),
    ...(fault?.kind === "short-page" ? { rowsMax: fault.rows } : {}),
    isPageMissing: fault?.kind === "missing-page",
    isEmpty: fault?.kind === "empty",
    isCharsetDamaged: fault?.kind === "bad-charset",
  };
}
