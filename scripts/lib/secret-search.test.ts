import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";

import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { searchSecrets } from "./secret-search.ts";

const SECRET = `pa"ss/w+örd %&${"x".repeat(6)}`;

/** Ways in which a secret gets into a text; each must be found. */
const LEAKS: Readonly<Record<string, string>> = {
  plain: `connecting with ${SECRET} failed`,
  "in an address": `redis://user:${encodeURIComponent(SECRET)}@host:6379`,
  "in a form": new URLSearchParams({ token: SECRET }).toString(),
  "in JSON": JSON.stringify({ msg: "x", body: SECRET }),
  "in JSON in JSON": JSON.stringify({ body: JSON.stringify({ token: SECRET }) }),
  "in hex": Buffer.from(`..${SECRET}..`).toString("hex"),
  "in Base64": Buffer.from(SECRET).toString("base64"),
  "in Base64 for addresses": Buffer.from(SECRET).toString("base64url"),
  ...Object.fromEntries(
    ["u", "us", "usr", "user"].map((user) => [
      `in Basic authentication of ${user}`,
      `authorization: Basic ${Buffer.from(`${user}:${SECRET}`).toString("base64")}`,
    ]),
  ),
};

for (const [way, text] of Object.entries(LEAKS)) {
  test(`a secret is found ${way}, with its file and line`, async () => {
    await using folder = await temporaryFolder();
    await mkdir(path.join(folder.path, "deep"));
    await writeFile(path.join(folder.path, "deep", "a.log"), `first\n{"level":"info"}\n${text}\nlast\n`);
    await writeFile(path.join(folder.path, "clean.log"), "pass\n");
    const { files, bytes, hits } = searchSecrets(folder.path, ["another-secret", SECRET]);
    assert.equal(files, 2);
    assert.ok(bytes > text.length);
    assert.ok(hits.length > 0, "it was not found");
    assert.ok(hits.every(({ file, line }) => file === path.join("deep", "a.log") && line === 3));
    assert.ok(!JSON.stringify(hits).includes(SECRET), "the secret itself was told");
  });
}

test("text without the secret gives no hit", async () => {
  await using folder = await temporaryFolder();
  await writeFile(path.join(folder.path, "a.log"), `${SECRET.slice(0, -1)}\n${"bG9uZyB0ZXh0".repeat(1_000)}\n`);
  assert.deepEqual(searchSecrets(folder.path, [SECRET]).hits, []);
});

test("a secret that lies across two pieces of a large file is found once, in its line", async () => {
  await using folder = await temporaryFolder();
  const line = `${"y".repeat(63)}\n`;
  const piece = 8 * 1024 * 1024;
  const before = line.repeat(piece / line.length).slice(0, piece - 5);
  await writeFile(path.join(folder.path, "large.log"), `${before}${SECRET}\n${line.repeat(10)}${SECRET}\n`);
  const { hits } = searchSecrets(folder.path, [SECRET]);
  assert.deepEqual(
    hits.map(({ line: at, form }) => [at, form]),
    [
      [piece / line.length, "plain"],
      [piece / line.length + 11, "plain"],
    ],
  );
});
