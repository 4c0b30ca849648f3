import { globSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { projectFolder } from "./project.ts";

/** Tests that are at home with others in one process, and among how many such processes they are dealt out. */
export interface TestBundles {
  readonly name: string;
  readonly patterns: readonly string[];
  readonly bundles: number;
}

/**
 * A process for each file of tests takes half a second and more before its first test. So the runner gets few files
 * that import many; each name and line in its report stays that of the test. Answers their paths.
 */
export async function bundleTests(
  folder: string,
  { name, patterns, bundles }: TestBundles,
): Promise<readonly string[]> {
  const files = globSync([...patterns], { cwd: projectFolder }).toSorted();
  return await Promise.all(
    Array.from({ length: bundles }, async (_, bundle) => {
      const target = path.join(folder, `${name}-${bundle + 1}.mjs`);
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
