import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

import { freePort } from "../../../test/support/services/free-port.ts";

/** A door before a server: connections are refused while it is shut, as those to a server that is not up. */
export interface TcpGate extends AsyncDisposable {
  readonly port: number;
  open(): Promise<void>;
  /** Ends what goes through it, too. */
  shut(): Promise<void>;
}

/** Shut at first. */
export async function createTcpGate(target: { readonly host: string; readonly port: number }): Promise<TcpGate> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  const shut = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    sockets.forEach((socket) => socket.destroy());
    if (closing !== undefined) {
      closing.close();
      await once(closing, "close");
    }
  };
  const pass = (near: Socket): void => {
    const far = connect(target.port, target.host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  };
  return {
    port,
    open: async () => {
      server = createServer(pass);
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    shut,
    [Symbol.asyncDispose]: shut,
  };
}
