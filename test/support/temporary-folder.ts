import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** A new folder that is gone, with all in it, at the end of the block: `await using folder = await temporaryFolder()`. */
export async function temporaryFolder(prefix = "ginkgo-test"): Promise<TemporaryFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), `${prefix}-`));
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
