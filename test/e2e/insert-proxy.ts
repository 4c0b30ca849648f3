import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";

/** Stands before ClickHouse and passes everything on, until told to keep the answer to an insert to itself. */
export interface InsertProxy extends AsyncDisposable {
  readonly url: string;
  /** The next insert into the table is applied by the server, its answer never leaves, and `onApplied` runs. */
  swallowNext(table: string, onApplied: () => void): void;
}

export async function startInsertProxy(target: string): Promise<InsertProxy> {
  let waiting: { readonly table: string; readonly onApplied: () => void } | undefined;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      const sql = `${decodeURIComponent((incoming.url ?? "").replaceAll("+", " "))} ${body.subarray(0, 300).toString("latin1")}`;
      const taken =
        waiting !== undefined && /INSERT INTO/i.test(sql) && sql.includes(waiting.table) ? waiting : undefined;
      waiting = taken === undefined ? waiting : undefined;
      const upstream = httpRequest(
        new URL(incoming.url ?? "/", target),
        { agent: false, method: incoming.method, headers: { ...incoming.headers, connection: "close" } },
        (answer) => {
          if (taken !== undefined) {
            answer.resume();
            answer.on("end", taken.onApplied);
            return;
          }
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        },
      );
      upstream.on("error", () => outgoing.destroy());
      outgoing.on("error", () => upstream.destroy());
      upstream.end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError("starting the proxy: no port");
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    swallowNext: (table, onApplied) => {
      waiting = { table, onApplied };
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
