import { BlockList, isIP } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Whether an address to bind to is reached from this machine only. */
export function isLoopback(host: string): boolean {
  const bare = withoutBrackets(host);
  const family = isIP(bare);
  return family === 0 ? bare.toLowerCase() === "localhost" : LOOPBACK.check(bare, family === 6 ? "ipv6" : "ipv4");
}

/**
 * Whether a request's `Host` may be meant for a port of this machine: an address or `localhost`. A page in a browser can
 * point a name of its own at 127.0.0.1 and then read what it gets there, but the browser still says that name. HTTP/1.0
 * needs no `Host`, and no browser leaves it out.
 */
export function isLocalName(hostHeader: string | undefined): boolean {
  if (hostHeader === undefined || hostHeader === "") {
    return true;
  }
  const name = hostHeader.replace(/:\d{1,5}$/, "");
  return name.toLowerCase() === "localhost" || isIP(withoutBrackets(name)) !== 0;
}

function withoutBrackets(host: string): string {
  return /^\[.*\]$/.test(host) ? host.slice(1, -1) : host;
}
