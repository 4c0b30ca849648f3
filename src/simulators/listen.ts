import { once } from "node:events";
import type { Server } from "node:net";

/** A simulator is reached from this machine only. */
export const HOST = "127.0.0.1";

/** Takes the port, or a free one for 0, and resolves with it. */
export async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, HOST);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError(`starting the simulator: expected a port, got ${String(address)}`);
  }
  return address.port;
}

/** Takes no new connection, drops those that are open, and resolves when all are gone. */
export async function closeServer(server: Server, dropConnections: () => void): Promise<void> {
  const closed = once(server, "close");
  server.close();
  dropConnections();
  await closed;
}
