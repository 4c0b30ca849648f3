import type { Config } from "../../../src/config.ts";
import { type Check, check, differs, durationMs, mebibytes, unless } from "./check.ts";
import { type ComposeService, secretPathsOf } from "./compose.ts";
import { CONTRACT } from "./contract.ts";
import { type ProgramWords, whyNoCommand } from "./program-words.ts";
import { checkWorkerEnvironment } from "./worker-environment.ts";

export interface WorkerService {
  readonly file: string;
  readonly service: ComposeService;
  /** What the image sets. */
  readonly image: Readonly<Record<string, string>>;
  readonly words: ProgramWords;
}

export interface CheckedWorker {
  readonly checks: readonly Check[];
  readonly config: Config | undefined;
}

/** The worker of a Compose file: its settings, its limits, its end, and that it can be there more than once. */
export function checkWorkerService({ file, service, image, words }: WorkerService): CheckedWorker {
  const { deploy, healthcheck } = service;
  const { checks, config } = checkWorkerEnvironment({
    file,
    given: service.environment,
    image,
    secretFiles: secretPathsOf(service),
  });
  const { limits, reservations } = deploy.resources ?? {};
  const { intervalSeconds, timeoutSeconds, retries, startSeconds } = CONTRACT.containerCheck;
  const graceMs = durationMs(service.stop_grace_period);
  return {
    config,
    checks: [
      ...checks,
      check(`${file}: ${CONTRACT.replicas} copies with the contract's limits`, [
        differs("deploy.replicas", deploy.replicas, CONTRACT.replicas),
        differs("the limit of cpus", Number.parseFloat(limits?.cpus ?? ""), CONTRACT.cpus),
        differs("the limit of memory in MiB", mebibytes(limits?.memory), CONTRACT.memoryMiB),
        differs("the reserved cpus", Number.parseFloat(reservations?.cpus ?? ""), CONTRACT.cpusReserved),
        differs("the reserved memory in MiB", mebibytes(reservations?.memory), CONTRACT.memoryMiBReserved),
      ]),
      check(`${file}: nothing of the worker can be there only once`, [
        unless(service.container_name === undefined, "container_name forbids a second copy"),
        unless(service.ports.length === 0, `the port ${service.ports.join(", ")} can be published by one copy only`),
        unless(service.environment["GINKGO_NODE_ID"] === undefined, "GINKGO_NODE_ID would be the same for all copies"),
      ]),
      check(`${file}: the grace period is the contract's, and longer than the worker drains`, [
        differs("stop_grace_period in seconds", graceMs / 1_000, CONTRACT.graceSeconds),
        config === undefined || config.worker.drainMs < graceMs
          ? undefined
          : `the worker drains for ${config.worker.drainMs} ms, and is killed after ${graceMs}`,
      ]),
      check(`${file}: the health check has the contract's numbers and asks the program`, [
        differs("interval in seconds", durationMs(healthcheck?.interval) / 1_000, intervalSeconds),
        differs("timeout in seconds", durationMs(healthcheck?.timeout) / 1_000, timeoutSeconds),
        differs("retries", healthcheck?.retries, retries),
        differs("start_period in seconds", durationMs(healthcheck?.start_period) / 1_000, startSeconds),
        differs("its program", healthcheck?.test.slice(0, 2), ["CMD", "gdw"]),
        whyNoCommand(healthcheck?.test.slice(2) ?? [], words),
        ...(service.command === undefined ? [] : [whyNoCommand(service.command, words)]),
      ]),
      check(`${file}: it is started again, after ${CONTRACT.restartDelaySeconds} s where the platform can wait`, [
        differs("restart", service.restart, "always"),
        differs("restart_policy.condition", deploy.restart_policy?.condition, "any"),
        differs("restart_policy.delay", deploy.restart_policy?.delay, `${CONTRACT.restartDelaySeconds}s`),
      ]),
      check(`${file}: its root is read-only, and it has no right that it does not need`, [
        unless(service.read_only, "read_only is not set"),
        unless(service.tmpfs.includes("/tmp"), "there is no /tmp to write to"),
        unless(service.cap_drop.includes("ALL"), "cap_drop does not say ALL"),
        unless(service.security_opt.includes("no-new-privileges:true"), "no-new-privileges is not set"),
      ]),
    ],
  };
}
