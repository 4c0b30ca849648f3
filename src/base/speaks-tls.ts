import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";

const GREETING_MS_MAX = 2_000;

/**
 * Whether a port answers a greeting of TLS. Asked only after another protocol failed there, so that the failure can be
 * named: no certificate is looked at, and nothing is sent inside. Never throws; false when it does not answer in time.
 */
export async function speaksTls(host: string, port: number, msMax: number = GREETING_MS_MAX): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let socket: TLSSocket | undefined;
  const late = setTimeout(() => resolve(false), msMax);
  try {
    socket = connect({ host, port, rejectUnauthorized: false, ...(isIP(host) === 0 ? { servername: host } : {}) });
    socket.once("secureConnect", () => resolve(true));
    socket.on("error", (error) => resolve(isAlert(error)));
    socket.once("close", () => resolve(false));
    return await promise;
  } finally {
    clearTimeout(late);
    socket?.destroy();
  }
}

/** A server that refuses the greeting in TLS's own words speaks it: it wants a certificate of ours, for instance. */
function isAlert(error: Error): boolean {
  return /\balert\b/i.test(error.message);
}
