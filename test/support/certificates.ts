import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { findExecutable } from "../../scripts/lib/find-executable.ts";
import { alsoPlantedKey } from "./planted-secrets.ts";

const run = promisify(execFile);

/** An authority of a test's own, made by openssl. Its keys count as planted secrets. */
export interface Authority {
  /** PEM text of what clients have to trust, and where it lies. */
  readonly ca: string;
  readonly caFile: string;
  issue(name: string, what?: Issue): Promise<Issued>;
}

export interface Issue {
  /** As openssl writes them; by default this machine by address and name. */
  readonly names?: string;
  /** It was over in 2020. */
  readonly isExpired?: boolean;
}

export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Key and certificate in one file, as Kafka takes them. */
  readonly bothFile: string;
}

const HERE = "IP:127.0.0.1,DNS:localhost";

export function whyNoOpenssl(): string | undefined {
  return findExecutable("openssl") === undefined ? "openssl is not installed" : undefined;
}

export async function makeAuthority(folder: string, name = "authority"): Promise<Authority> {
  const home = path.join(folder, name);
  const at = (file: string): string => path.join(home, file);
  await mkdir(at("new"), { recursive: true });
  await writeFile(at("index.txt"), "");
  await writeFile(at("serial"), "01\n");
  await writeFile(at("ca.cnf"), settings(home));
  await openssl(
    ["req", "-x509", "-config", at("ca.cnf"), "-extensions", "authority", "-days", "2", "-subj", `/CN=${name}`],
    ["-newkey", ...KEY_KIND, "-keyout", at("ca.key"), "-out", at("ca.pem")],
  );
  alsoPlantedKey(await readFile(at("ca.key"), "utf8"));
  // One after the other: the list of what was issued is a file.
  let last: Promise<unknown> = Promise.resolve();
  return {
    ca: await readFile(at("ca.pem"), "utf8"),
    caFile: at("ca.pem"),
    issue: (issued, what) => {
      const next = last.then(() => issue(at, issued, what));
      last = next.catch(() => undefined);
      return next;
    },
  };
}

const KEY_KIND = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

async function issue(
  at: (file: string) => string,
  name: string,
  { names = HERE, isExpired = false }: Issue = {},
): Promise<Issued> {
  const [certFile, keyFile, bothFile] = [at(`${name}.pem`), at(`${name}.key`), at(`${name}.both.pem`)];
  const config = ["-config", at("ca.cnf")];
  await openssl(
    ["req", "-new", ...config, "-subj", `/CN=${name}`, "-newkey", ...KEY_KIND],
    ["-keyout", keyFile, "-out", at(`${name}.req`)],
  );
  const extensions = at(`${name}.cnf`);
  await writeFile(extensions, `subjectAltName=${names}\n`);
  const span = isExpired ? ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"] : ["-days", "2"];
  const files = ["-keyfile", at("ca.key"), "-cert", at("ca.pem"), "-in", at(`${name}.req`), "-out", certFile];
  await openssl(["ca", "-batch", "-notext", ...config, "-extfile", extensions], [...span, ...files]);
  const [cert, key] = [await readFile(certFile, "utf8"), await readFile(keyFile, "utf8")];
  alsoPlantedKey(key);
  await writeFile(bothFile, key + cert);
  return { cert, key, certFile, keyFile, bothFile };
}

async function openssl(...words: readonly (readonly string[])[]): Promise<void> {
  await run("openssl", words.flat());
}

function settings(home: string): string {
  return `
[ca]
default_ca = own
[own]
database = ${home}/index.txt
serial = ${home}/serial
new_certs_dir = ${home}/new
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
[req]
distinguished_name = name
[name]
`;
}
