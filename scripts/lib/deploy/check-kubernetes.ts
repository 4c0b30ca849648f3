import { type Check, check, differs, mebibytes, unless } from "./check.ts";
import { CONTRACT } from "./contract.ts";
import { type KubernetesObject, type ObjectOf, theOne } from "./kubernetes.ts";
import { type ProgramWords, whyNoCommand } from "./program-words.ts";
import { checkWorkerEnvironment } from "./worker-environment.ts";

export interface KubernetesFiles {
  readonly file: string;
  readonly objects: readonly KubernetesObject[];
  /** What the image sets. */
  readonly image: Readonly<Record<string, string>>;
  readonly words: ProgramWords;
  /** Partitions of the topic, beyond which a copy has nothing to do. */
  readonly partitions: number;
}

type Pod = ObjectOf<"Deployment">["spec"]["template"]["spec"];
type Container = Pod["containers"][number];

/** The objects for Kubernetes, without a cluster. */
export function checkKubernetes({ file, objects, image, words, partitions }: KubernetesFiles): readonly Check[] {
  const configMap = theOne(objects, "ConfigMap");
  const deployment = theOne(objects, "Deployment");
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;
  if (container === undefined) {
    return [check(`${file}: has a container`, ["there is none"])];
  }
  const { checks, config } = checkWorkerEnvironment({
    file,
    given: configMap.data,
    image,
    secretFiles: secretFilesOf(pod, container),
  });
  return [
    ...checks,
    check(`${file}: the variables come from the ConfigMap of the file, and from nowhere else`, [
      differs("envFrom", container.envFrom, [{ configMapRef: { name: configMap.metadata.name } }]),
      differs("env", container.env, []),
      unless(
        !pod.enableServiceLinks,
        "enableServiceLinks is on: a Service called ginkgo-kafka would set GINKGO_KAFKA_PORT",
      ),
    ]),
    check(`${file}: selectors, labels and names fit together`, nameProblems(objects)),
    check(`${file}: ${CONTRACT.replicas} copies with the contract's limits`, [
      differs("replicas", deployment.spec.replicas, CONTRACT.replicas),
      differs("the limit of cpus", cores(container.resources.limits.cpu), CONTRACT.cpus),
      differs("the limit of memory in MiB", mebibytes(container.resources.limits.memory), CONTRACT.memoryMiB),
      differs("the requested cpus", cores(container.resources.requests.cpu), CONTRACT.cpusReserved),
      differs(
        "the requested memory in MiB",
        mebibytes(container.resources.requests.memory),
        CONTRACT.memoryMiBReserved,
      ),
    ]),
    check(`${file}: the grace period is the contract's, and longer than the worker drains`, [
      differs("terminationGracePeriodSeconds", pod.terminationGracePeriodSeconds, CONTRACT.graceSeconds),
      config === undefined || config.worker.drainMs < pod.terminationGracePeriodSeconds * 1_000
        ? undefined
        : `the worker drains for ${config.worker.drainMs} ms`,
    ]),
    check(`${file}: the probes have the contract's numbers, paths of the program and its port`, [
      ...probeProblems("livenessProbe", container, CONTRACT.liveness, words),
      ...probeProblems("readinessProbe", container, CONTRACT.readiness, words),
      config === undefined
        ? undefined
        : differs(
            "containerPort",
            container.ports.map(({ containerPort }) => containerPort),
            [config.health.port],
          ),
      whyNoCommand(container.args, words),
    ]),
    check(`${file}: not root, its root read-only, no right that it does not need`, [
      unless(pod.securityContext.runAsNonRoot && pod.securityContext.runAsUser > 0, "it may run as root"),
      unless(container.securityContext.readOnlyRootFilesystem, "readOnlyRootFilesystem is off"),
      unless(!container.securityContext.allowPrivilegeEscalation, "allowPrivilegeEscalation is on"),
      differs("capabilities.drop", container.securityContext.capabilities.drop, ["ALL"]),
      unless(!pod.automountServiceAccountToken, "it gets a token of the cluster that it has no use for"),
      unless(
        container.volumeMounts.some(({ mountPath }) => mountPath === "/tmp"),
        "there is no /tmp to write to",
      ),
    ]),
    check(`${file}: secrets are files that the user of the container can read and others cannot`, secretProblems(pod)),
    check(`${file}: disruptions and scaling leave a group that works`, scalingProblems(objects, partitions)),
  ];
}

function probeProblems(
  name: "livenessProbe" | "readinessProbe",
  container: Container,
  wanted: typeof CONTRACT.liveness | typeof CONTRACT.readiness,
  { healthPaths }: ProgramWords,
): readonly (string | undefined)[] {
  const { httpGet, ...probe } = container[name];
  return [
    differs(`the path of ${name}`, httpGet.path, wanted.path),
    unless(healthPaths.has(httpGet.path), `the program serves nothing at ${httpGet.path}`),
    unless(
      container.ports.some((port) => port.name === httpGet.port || port.containerPort === httpGet.port),
      `${name} asks the port ${httpGet.port}, which the container does not name`,
    ),
    ...(["initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"] as const).map((field) =>
      differs(`${field} of ${name}`, probe[field], wanted[field]),
    ),
  ];
}

function nameProblems(objects: readonly KubernetesObject[]): readonly (string | undefined)[] {
  const { metadata, spec, apiVersion, kind } = theOne(objects, "Deployment");
  const budget = theOne(objects, "PodDisruptionBudget");
  const scaler = theOne(objects, "HorizontalPodAutoscaler");
  const selects = (matchLabels: Readonly<Record<string, string>>): boolean =>
    Object.keys(matchLabels).length > 0 &&
    Object.entries(matchLabels).every(([label, value]) => spec.template.metadata.labels[label] === value);
  return [
    unless(selects(spec.selector.matchLabels), "the Deployment's selector does not select its own pods"),
    unless(selects(budget.spec.selector.matchLabels), "the PodDisruptionBudget selects other pods"),
    differs("scaleTargetRef", scaler.spec.scaleTargetRef, { apiVersion, kind, name: metadata.name }),
  ];
}

function scalingProblems(objects: readonly KubernetesObject[], partitions: number): readonly (string | undefined)[] {
  const { replicas } = theOne(objects, "Deployment").spec;
  const { maxUnavailable } = theOne(objects, "PodDisruptionBudget").spec;
  const { minReplicas, maxReplicas, metrics } = theOne(objects, "HorizontalPodAutoscaler").spec;
  return [
    unless(
      maxUnavailable >= 1 && maxUnavailable < minReplicas,
      `maxUnavailable is ${maxUnavailable} of ${minReplicas}`,
    ),
    differs("minReplicas", minReplicas, replicas),
    unless(
      maxReplicas > minReplicas && maxReplicas <= partitions,
      `maxReplicas is ${maxReplicas}, and ${partitions} partitions are shared`,
    ),
    differs(
      "the metric",
      metrics.map(({ external }) => external.metric.name),
      ["ginkgo_queue_lag"],
    ),
  ];
}

function secretFilesOf(pod: Pod, container: Container): ReadonlySet<string> {
  return new Set(
    pod.volumes.flatMap(({ name, secret }) => {
      const mount = container.volumeMounts.find((one) => one.name === name);
      return secret === undefined || mount === undefined
        ? []
        : secret.items.map((item) => `${mount.mountPath}/${item.path}`);
    }),
  );
}

function secretProblems(pod: Pod): readonly (string | undefined)[] {
  return pod.volumes
    .flatMap(({ secret }) => (secret === undefined ? [] : [secret]))
    .flatMap(({ defaultMode, secretName }) => [
      differs(`defaultMode of ${secretName}`, defaultMode, 0o440),
      unless(pod.securityContext.fsGroup === pod.securityContext.runAsUser, "fsGroup is not the group of the user"),
    ]);
}

/** `250m` and `1` in cores. */
function cores(text: string): number {
  return text.endsWith("m") ? Number.parseInt(text, 10) / 1_000 : Number.parseFloat(text);
}
