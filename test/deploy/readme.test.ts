import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { projectFolder } from "../../scripts/lib/project.ts";

const read = (name: string): string => readFileSync(path.join(projectFolder, name), "utf8");
const english = read("README.md");
const chinese = read("README.zh-CN.md");

test("the Chinese README has the chapters, links, commands and settings of the English one", () => {
  const levels = (text: string): readonly string[] => [...text.matchAll(/^#+(?= )/gm)].map(([level]) => level);
  assert.deepEqual(levels(chinese), levels(english));
  const other = new Set(["README.md", "README.zh-CN.md"]);
  const links = (text: string): ReadonlySet<string> =>
    new Set([...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link).filter((link) => !other.has(link)));
  assert.deepEqual([...links(chinese)].toSorted(), [...links(english)].toSorted());
  for (const words of [...codeOf(english), ...inlineOf(english)]) {
    assert.ok(chinese.includes(words), `${words} is missing in the Chinese README`);
  }
});

test("every file that the READMEs and the pages on operations and migration link to is there", () => {
  for (const page of ["README.md", "README.zh-CN.md", "docs/operations.md", "docs/migrating-from-ginkgo.md"]) {
    for (const [, link = ""] of read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      assert.ok(existsSync(path.join(projectFolder, path.dirname(page), link)), `${page}: ${link}`);
    }
  }
});

/** Lines of code without what is said about them. */
function codeOf(text: string): readonly string[] {
  return [...text.matchAll(/```\w*\n([\s\S]*?)```/g)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .map((line) =>
      line
        .replace(/ {2,}# .*$/, "")
        .replace(/ # or .*$/, "")
        .trim(),
    );
}

function inlineOf(text: string): readonly string[] {
  return [...text.replaceAll(/```[\s\S]*?```/g, "").matchAll(/`([^`\n]+)`/g)].map(([, words = ""]) => words);
}
