import assert from "node:assert/strict";
import { test } from "node:test";

import { tlsTroubleOf } from "./tls-trouble.ts";

const settings = { ca: "redis.tls_ca", on: "redis.tls" };

function coded(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

test("an expired and an untrusted certificate are told apart, however deep they are wrapped", () => {
  const wrapped = new Error("no", { cause: new AggregateError([new Error("x"), coded("CERT_HAS_EXPIRED")]) });
  assert.match(tlsTroubleOf(wrapped, settings) ?? "", /has expired: renew/);
  assert.match(tlsTroubleOf(coded("DEPTH_ZERO_SELF_SIGNED_CERT"), settings) ?? "", /with redis\.tls_ca$/);
});

test("TLS spoken to a port without it names the setting that turns it off", () => {
  const error = coded("EPROTO", "write EPROTO 12:error:0A00010B:SSL routines:ssl3_get_record:wrong version number");
  assert.match(tlsTroubleOf(error, settings) ?? "", /set redis\.tls to false$/);
});

test("what is no trouble of TLS is left alone", () => {
  assert.equal(tlsTroubleOf(coded("ECONNREFUSED"), settings), undefined);
  assert.equal(tlsTroubleOf("text", settings), undefined);
});

test("a certificate for other hosts is told with the names in it, also where an address was looked for", () => {
  const code = "ERR_TLS_CERT_ALTNAME_INVALID";
  const words = "Hostname/IP does not match certificate's altnames";
  const byAddress = Object.assign(coded(code, `${words}: IP: 127.0.0.1 is not in the cert's list: `), {
    cert: { subjectaltname: "DNS:db.example" },
  });
  assert.match(tlsTroubleOf(byAddress, settings) ?? "", /for other hosts \(DNS:db\.example\): connect by a name/);
  const byName = coded(code, `${words}: Host: x. is not in the cert's altnames: DNS:y, DNS:z`);
  assert.match(tlsTroubleOf(byName, settings) ?? "", /for other hosts \(DNS:y, DNS:z\): connect by a name/);
});
