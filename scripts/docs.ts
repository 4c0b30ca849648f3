/** `npm run docs`: brings the generated tables of the docs up to date with the code. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { configurationParts, metricsParts, specificationParts } from "./lib/doc-tables.ts";
import { replaceGenerated } from "./lib/generated-parts.ts";
import { readingParts } from "./lib/rounding-table.ts";
import { sourcesParts } from "./lib/source-tables.ts";

interface GeneratedDoc {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** The docs with generated parts, as they stand and as they should. */
export function renderDocs(): readonly GeneratedDoc[] {
  return [
    renderDoc("docs/configuration.md", configurationParts()),
    renderDoc("docs/metrics.md", metricsParts()),
    renderDoc("docs/reading.md", readingParts()),
    renderDoc("docs/sources.md", sourcesParts()),
    renderDoc("docs/specification.md", specificationParts()),
  ];
}

function renderDoc(name: string, parts: ReadonlyMap<string, string>): GeneratedDoc {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const before = readFileSync(path, "utf8");
  return { path, before, after: replaceGenerated(before, parts, name) };
}

if (import.meta.main) {
  for (const { path, before, after } of renderDocs()) {
    writeFileSync(path, after);
    console.log(`${path} ${before === after ? "is up to date" : "written"}`);
  }
}
