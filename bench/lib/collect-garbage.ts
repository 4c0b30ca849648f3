import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Settles what was made before a clock runs, so that collecting it is not measured with what comes after. The collector is
 * only visible to a context that is made after the flag was set.
 */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") {
    collect();
  }
}
