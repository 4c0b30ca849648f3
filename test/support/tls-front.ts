import { once } from "node:events";
import { connect } from "node:net";
import { createServer, type TLSSocket } from "node:tls";

/** A port that speaks TLS in front of a server that does not: whatever comes is passed on, both ways. */
export interface TlsFront extends AsyncDisposable {
  readonly port: number;
}

export async function startTlsFront(
  { cert, key }: { readonly cert: string; readonly key: string },
  port: number,
): Promise<TlsFront> {
  const open = new Set<TLSSocket>();
  const server = createServer({ cert, key }, (socket) => {
    open.add(socket);
    const behind = connect(port, "127.0.0.1");
    socket.once("close", () => {
      open.delete(socket);
      behind.destroy();
    });
    behind.once("close", () => socket.destroy());
    socket.on("error", () => behind.destroy());
    behind.on("error", () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  });
  // A greeting that fails is the client's to tell.
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: address === null || typeof address === "string" ? 0 : address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}
