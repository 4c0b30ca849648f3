import path from "node:path";

/** The folder of package.json. */
export const projectFolder = path.resolve(import.meta.dirname, "..", "..");

/** Where downloaded and prepared parts of the test services are kept; `GINKGO_CACHE_DIR` names another place. */
export function cacheFolder(): string {
  const named = process.env["GINKGO_CACHE_DIR"];
  const root = named === undefined || named === "" ? ".cache" : named;
  return path.join(path.resolve(projectFolder, root), "services");
}
