import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the range from which the kernel gives ports to outgoing connections, so that a restarted service finds its port free. */
const PORT_MIN = 20_000;
const PORT_MAX = 32_000;
const TRIES_MAX = 100;

/** A port of 127.0.0.1 that nobody listens on. Someone else may take it before you do: see `withFreePorts`. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const port = randomInt(PORT_MIN, PORT_MAX);
    if (await canListen(port)) {
      return port;
    }
  }
  throw new Error(`found no free port between ${PORT_MIN} and ${PORT_MAX} in ${TRIES_MAX} tries`);
}

/** Starts something on free ports, again on others when it does not come up; three starts in all. */
export async function withFreePorts<Service>(
  count: number,
  start: (ports: readonly number[]) => Promise<Service>,
): Promise<Service> {
  for (let attempt = 1; ; attempt += 1) {
    const ports: number[] = [];
    while (ports.length < count) {
      const port = await freePort();
      if (!ports.includes(port)) {
        ports.push(port);
      }
    }
    try {
      return await start(ports);
    } catch (error) {
      if (attempt === 3) {
        throw error;
      }
    }
  }
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
