import { randomBytes } from "node:crypto";

/** Begins every secret that we make, so that whoever searches logs or files for secrets finds them. */
export const SECRET_PREFIX = "gdwsecret_";

/** A token or password of 192 random bits, fit for headers and addresses. */
export function makeSecret(): string {
  return `${SECRET_PREFIX}${randomBytes(24).toString("base64url")}`;
}
