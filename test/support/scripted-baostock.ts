import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { crc32, deflateSync } from "node:zlib";

/** One request as it came, its checksum compared. `fields` has no checksum. */
export interface BaostockAsked {
  readonly type: string;
  readonly method: string;
  readonly fields: readonly string[];
  /** Which connection it came over, from 0. */
  readonly connection: number;
  readonly socket: Socket;
}

/** Answers a request with bytes, or does something else with the socket. */
export type BaostockScript = (asked: BaostockAsked) => Buffer | undefined;

const S = "\u0001";
const MARKER = "<![CDATA[]]>\n";

/** A plain answer: the header counts characters. */
export function plainFrame(type: string, elements: readonly string[]): Buffer {
  const body = elements.join(S);
  const length = `${Array.from(body).length}`.padStart(10, "0");
  const text = `00.9.00${S}${type}${S}${length}${body}`;
  return Buffer.from(`${text}${S}${crc32(text)}${MARKER}`, "utf8");
}

/** A packed answer: the header counts bytes, and its checksum means nothing. */
export function packedFrame(type: string, elements: readonly string[]): Buffer {
  return packedBytes(type, deflateSync(Buffer.from(elements.join(S), "utf8"), { level: 1 }));
}

export function packedBytes(type: string, packed: Buffer): Buffer {
  const head = `00.9.00${S}${type}${S}${`${packed.length}`.padStart(10, "0")}`;
  return Buffer.concat([Buffer.from(head, "latin1"), packed, Buffer.from(`${S}12345\n${MARKER}`, "latin1")]);
}

export function refusal(code: string, text: string): Buffer {
  return plainFrame("04", [code, text]);
}

/** The answer to a paged request: the rows of its page, the parameters echoed, and the columns behind `fieldsAfter` of them. */
export function tableFrame(
  { type, fields }: Pick<BaostockAsked, "type" | "fields">,
  columns: string,
  rows: readonly (readonly unknown[])[],
  fieldsAfter: number,
): Buffer {
  const [method = "", user = "", page = "", perPage = "", ...params] = fields;
  const data = rows.length === 0 ? "" : JSON.stringify({ record: rows });
  const echoed = [...params.slice(0, fieldsAfter), columns, ...params.slice(fieldsAfter)];
  const elements = ["0", "success", method, user, page, perPage, data, ...echoed];
  return type === "95" ? packedFrame("96", elements) : plainFrame(`${Number(type) + 1}`, elements);
}

/** The columns of K lines are a parameter of the request, and so stand among the echoed ones by themselves. */
export function barsFrame(asked: Pick<BaostockAsked, "fields">, rows: readonly (readonly unknown[])[]): Buffer {
  const [method = "", user = "", page = "", perPage = "", ...params] = asked.fields;
  const data = rows.length === 0 ? "" : JSON.stringify({ record: rows });
  return packedFrame("96", ["0", "success", method, user, page, perPage, data, ...params]);
}

export const loginAnswer = (user: string): Buffer =>
  plainFrame("01", ["0", "success", "login", user, "20260422163759563"]);

/**
 * A server that does what its script says. Logins are answered by themselves unless `login` is given; what was asked is
 * kept in order. Requests with a wrong checksum or length fail the test.
 */
export class ScriptedBaostock implements AsyncDisposable {
  readonly asked: BaostockAsked[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(script: BaostockScript, login?: BaostockScript): Promise<ScriptedBaostock> {
    const server = createServer();
    const scripted = new ScriptedBaostock(server);
    server.on("connection", (socket) =>
      scripted.#serve(socket, script, login ?? ((asked) => loginAnswer(asked.fields[1] ?? ""))),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return scripted;
  }

  get port(): number {
    const address = this.#server.address();
    assert.ok(typeof address === "object" && address !== null);
    return address.port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  methods(): readonly string[] {
    return this.asked.map(({ method }) => method);
  }

  /** As a server does with those that are idle. */
  closeAll(): void {
    for (const socket of this.#sockets) {
      socket.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket, script: BaostockScript, login: BaostockScript): void {
    const connection = this.connections;
    this.connections += 1;
    this.#sockets.add(socket);
    let kept = "";
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (piece: Buffer) => {
      kept += piece.toString("utf8");
      for (let end = kept.indexOf("\n"); end !== -1; end = kept.indexOf("\n")) {
        const asked = { ...readRequest(kept.slice(0, end)), connection, socket };
        kept = kept.slice(end + 1);
        this.asked.push(asked);
        const answer = this.#answer(asked, script, login);
        if (answer !== undefined && !socket.destroyed) {
          socket.write(answer);
        }
      }
    });
  }

  #answer(asked: BaostockAsked, script: BaostockScript, login: BaostockScript): Buffer | undefined {
    if (asked.method === "login") {
      return login(asked);
    }
    return asked.method === "logout"
      ? plainFrame("03", ["0", "success", "logout", asked.fields[1] ?? "", "20260422163818112"])
      : script(asked);
  }
}

function readRequest(line: string): {
  readonly type: string;
  readonly method: string;
  readonly fields: readonly string[];
} {
  const [, type = ""] = line.split(S);
  const at = line.lastIndexOf(S);
  const body = line.slice(21, at);
  assert.equal(line.slice(at + 1), `${crc32(line.slice(0, at))}`, "the checksum of a request");
  assert.equal(line.slice(11, 21), `${Array.from(body).length}`.padStart(10, "0"), "the length of a request");
  const fields = body.split(S);
  return { type, method: fields[0] ?? "", fields };
}
