import { globSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { projectFolder } from "./project.ts";

/**
 * Unit tests take milliseconds, and a process for each file takes half a second before the first of them. So the runner
 * gets few files that import them all; each name and line in its report stays that of the test. Answers their paths.
 */
export async function bundleUnitTests(
  folder: string,
  patterns: readonly string[],
  bundles: number,
): Promise<readonly string[]> {
  const files = globSync([...patterns], { cwd: projectFolder }).toSorted();
  return await Promise.all(
    Array.from({ length: bundles }, async (_, bundle) => {
      const target = path.join(folder, `unit-tests-${bundle + 1}.mjs`);
      await writeFile(target, bundleOf(files.filter((_file, index) => index % bundles === bundle)));
      return target;
    }),
  );
}

/** A file that cannot be loaded is a failed test, and takes no other away. */
function bundleOf(files: readonly string[]): string {
  const urls = files.map((file) => pathToFileURL(path.join(projectFolder, file)).href);
  return `import { test } from "node:test";

for (const url of ${JSON.stringify(urls, undefined, 2)}) {
  try {
    await import(url);
  } catch (error) {
    test(url, () => {
      throw error;
    });
  }
}
`;
}
