/** The settings that mend a connection's TLS, by name. */
export interface TlsSettings {
  /** Names the authorities to trust, such as `redis.tls_ca`. */
  readonly ca: string;
  /** Turns TLS on, such as `redis.tls`. */
  readonly on: string;
  /** How TLS is turned off, where that is more than setting `on` to false. */
  readonly off?: string;
}

/**
 * What is wrong with the TLS of a connection and what to do about it, in one phrase; undefined when something else is
 * wrong. None of it passes by itself. Everything that was wrapped by `error` is looked at.
 */
export function tlsTroubleOf(error: unknown, settings: TlsSettings): string | undefined {
  const open: unknown[] = [error];
  for (let seen = 0; open.length > 0 && seen < ERRORS_MAX; seen += 1) {
    const current = open.shift();
    if (current instanceof Error) {
      const found = phraseOf(current, settings);
      if (found !== undefined) {
        return found;
      }
      open.push(current.cause, ...(current instanceof AggregateError ? current.errors : []));
    }
  }
  return undefined;
}

const ERRORS_MAX = 50;

/** The names in the certificate, which Node leaves out of its words where an address was looked for. */
function namesIn(error: Error): string | undefined {
  const cert: unknown = "cert" in error ? error.cert : undefined;
  const isShown = typeof cert === "object" && cert !== null && "subjectaltname" in cert;
  return isShown && typeof cert.subjectaltname === "string"
    ? cert.subjectaltname
    : /altnames: .* is not in the cert's altnames: (.+)$/i.exec(error.message)?.[1];
}

/** OpenSSL's names for an authority that nobody told us to trust. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_UNTRUSTED",
  "INVALID_CA",
]);
/** OpenSSL says so in several ways when what answers its greeting is no TLS. */
const NO_TLS = /wrong version number|packet length too long|unexpected message|bad record type|http request/i;
const OTHER = /^(?:CERT_|ERR_TLS|ERR_SSL|HOSTNAME_MISMATCH|UNABLE_TO_|EPROTO)/;

function phraseOf(error: Error, { ca, on, off = `set ${on} to false` }: TlsSettings): string | undefined {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "CERT_HAS_EXPIRED") {
    return "its TLS certificate has expired: renew the certificate on that server";
  }
  if (code === "CERT_NOT_YET_VALID") {
    return "its TLS certificate is not valid yet: check the clock of this machine and the certificate";
  }
  if (UNTRUSTED.has(code)) {
    return `its TLS certificate is signed by nobody who is trusted here: name the authority's PEM file with ${ca}`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "HOSTNAME_MISMATCH") {
    const names = namesIn(error);
    const whose = names === undefined ? "another host" : `other hosts (${names.slice(0, 200)})`;
    return `its TLS certificate is for ${whose}: connect by a name that stands in it`;
  }
  if (!OTHER.test(code)) {
    return undefined;
  }
  return NO_TLS.test(error.message)
    ? `TLS was spoken to a port that answers without: check the port, or ${off}`
    : `TLS failed with ${code}: check ${on} and ${ca}, and the server's own log`;
}
