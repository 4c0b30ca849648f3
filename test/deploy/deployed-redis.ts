import { findExecutable } from "../../scripts/lib/find-executable.ts";
import { type ChildService, startChild } from "../support/services/child-service.ts";
import { withFreePorts } from "../support/services/free-port.ts";
import { openGuardedFolder } from "../support/services/guarded-folder.ts";
import { askRedis } from "../support/services/redis.ts";

export interface DeployedRedis extends ChildService {
  readonly port: number;
  readonly url: string;
}

/** The command of a Compose file, run by this machine's Redis on a free port. */
export async function startDeployedRedis(command: readonly string[]): Promise<DeployedRedis> {
  return await withFreePorts(1, async ([port = 0]) => {
    const folder = await openGuardedFolder("redis");
    const url = `redis://127.0.0.1:${port}`;
    const child = await startChild({
      name: "redis",
      folder,
      command: findExecutable("redis-server") ?? "redis-server",
      args: [...command.slice(1), "--port", String(port), "--bind", "127.0.0.1", "--dir", folder.path],
      isReady: async () => (await askRedis(url)) !== "",
    });
    return Object.assign(child, { port, url });
  });
}
