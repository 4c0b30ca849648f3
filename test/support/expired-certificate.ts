import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { findExecutable } from "../../scripts/lib/find-executable.ts";

const run = promisify(execFile);

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
}

export function whyNoOpenssl(): string | undefined {
  return findExecutable("openssl") === undefined ? "openssl is not installed" : undefined;
}

/** Of 127.0.0.1, signed by itself, and over since 2020-02-01. */
export async function makeExpiredCertificate(folder: string): Promise<Certificate> {
  const at = (name: string): string => path.join(folder, name);
  await mkdir(at("certs"));
  await writeFile(at("index.txt"), "");
  await writeFile(at("serial"), "01\n");
  await writeFile(at("ca.cnf"), settings(folder));
  const subject = ["-subj", "/CN=127.0.0.1"];
  await run("openssl", [
    "req",
    "-new",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    at("key.pem"),
    "-out",
    at("req.pem"),
    ...subject,
    "-config",
    at("ca.cnf"),
  ]);
  const span = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"];
  const files = ["-keyfile", at("key.pem"), "-in", at("req.pem"), "-out", at("cert.pem")];
  await run("openssl", ["ca", "-batch", "-selfsign", "-notext", "-config", at("ca.cnf"), ...files, ...span]);
  return {
    cert: await readFile(at("cert.pem"), "utf8"),
    key: await readFile(at("key.pem"), "utf8"),
    certFile: at("cert.pem"),
  };
}

function settings(folder: string): string {
  return `
[ca]
default_ca = own
[own]
database = ${folder}/index.txt
serial = ${folder}/serial
new_certs_dir = ${folder}/certs
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = IP:127.0.0.1
basicConstraints = CA:TRUE
[req]
distinguished_name = name
[name]
`;
}
