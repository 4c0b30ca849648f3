/** Copies what `tsc` leaves behind to `dist/`: the SQL that the program reads at run time, beside the modules that read it. */
import { cp, glob } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const root = fileURLToPath(new URL("..", import.meta.url));
let copied = 0;
for await (const file of glob("**/*.sql", { cwd: join(root, "src") })) {
  await cp(join(root, "src", file), join(root, "dist", file));
  copied += 1;
}
if (copied === 0) {
  throw new Error("copying assets to dist: found no SQL file under src");
}
console.log(`copied ${copied} SQL files to dist`);
