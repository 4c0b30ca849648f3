import { createHash } from "node:crypto";

import type { Random } from "../../market/random.ts";

const COOKIES_MAX = 10_000;
const YEAR_SECONDS = 31_557_600;

/** Hands out cookies and the crumb that belongs to each. */
export class Cookies {
  readonly #random: Random;
  readonly #crumbs = new Map<string, string>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** A `Set-Cookie` line; the domain is named where the request came to a host of it. */
  issue(host: string): string {
    const part = (): string => this.#random.uint32().toString(36).padStart(7, "0");
    const value = `d=AQABB${part()}${part()}&S=AQAAA${part()}`;
    const [oldest] = this.#crumbs.keys();
    if (this.#crumbs.size >= COOKIES_MAX && oldest !== undefined) {
      this.#crumbs.delete(oldest);
    }
    this.#crumbs.set(value, crumbOf(value));
    const domain = /(?:^|\.)yahoo\.com(?::\d+)?$/.test(host) ? " Domain=.yahoo.com;" : "";
    return `A3=${value};${domain} Max-Age=${YEAR_SECONDS}; Path=/; HttpOnly; SameSite=Lax`;
  }

  /** The crumb of a request's cookie; undefined without a cookie that was handed out here. */
  crumbFor(cookieHeader: string | undefined): string | undefined {
    const own = (cookieHeader ?? "").split(/;\s*/).find((pair) => pair.startsWith("A3="));
    return own === undefined ? undefined : this.#crumbs.get(own.slice("A3=".length).replace(/^"|"$/g, ""));
  }

  /** Cookies that are out are worth nothing from now on. */
  forget(): void {
    this.#crumbs.clear();
  }
}

/** Eleven characters, among them such as a query has to encode. */
function crumbOf(cookie: string): string {
  return createHash("sha256").update(cookie).digest("base64").slice(0, 9).replaceAll("+", ".") + "./";
}
