import type { StartHooks } from "../../src/app/start-worker.ts";

/** JSON of bounds of health checks, so that a test need not wait for minutes. */
export const HEALTH_LIMITS_VARIABLE = "GINKGO_TEST_HEALTH_LIMITS";
/** The key of messages whose handler never ends. */
export const HANG_VARIABLE = "GINKGO_TEST_HANG_AT";

/** What the environment asks for; nothing of it is in the product. */
export function hooksOf(env: NodeJS.ProcessEnv): StartHooks {
  const limits = env[HEALTH_LIMITS_VARIABLE] ?? "";
  const hangAt = env[HANG_VARIABLE] ?? "";
  return {
    limits: limits === "" ? undefined : (JSON.parse(limits) as StartHooks["limits"]),
    ...(hangAt === ""
      ? {}
      : {
          watch: {
            around: (handle) => (message, work) =>
              message.key?.toString() === hangAt ? new Promise<never>(() => undefined) : handle(message, work),
          },
        }),
  };
}
