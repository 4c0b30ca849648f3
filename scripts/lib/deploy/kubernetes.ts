import { parseAllDocuments } from "yaml";
import { z } from "zod";

/** What the checks look at of the objects for Kubernetes; the rest is let be. */
const labels = z.record(z.string(), z.string());
const metadata = z.looseObject({ name: z.string(), labels: labels.default({}) });
const selector = z.looseObject({ matchLabels: labels });

const probeSchema = z.looseObject({
  httpGet: z.looseObject({ path: z.string(), port: z.union([z.string(), z.number()]) }),
  initialDelaySeconds: z.number().optional(),
  periodSeconds: z.number().optional(),
  timeoutSeconds: z.number().optional(),
  failureThreshold: z.number().optional(),
});

const resources = z.looseObject({ cpu: z.string(), memory: z.string() });

const containerSchema = z.looseObject({
  image: z.string(),
  args: z.array(z.string()).default([]),
  env: z.array(z.unknown()).default([]),
  envFrom: z.array(z.looseObject({ configMapRef: z.looseObject({ name: z.string() }).optional() })).default([]),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })).default([]),
  livenessProbe: probeSchema,
  readinessProbe: probeSchema,
  resources: z.looseObject({ requests: resources, limits: resources }),
  securityContext: z.looseObject({
    allowPrivilegeEscalation: z.boolean(),
    readOnlyRootFilesystem: z.boolean(),
    capabilities: z.looseObject({ drop: z.array(z.string()) }),
  }),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
});

const podSchema = z.looseObject({
  enableServiceLinks: z.boolean().default(true),
  automountServiceAccountToken: z.boolean().default(true),
  terminationGracePeriodSeconds: z.number().default(30),
  securityContext: z.looseObject({ runAsNonRoot: z.boolean(), runAsUser: z.number(), fsGroup: z.number() }),
  containers: z.array(containerSchema).length(1),
  volumes: z.array(
    z.looseObject({
      name: z.string(),
      secret: z
        .looseObject({
          secretName: z.string(),
          defaultMode: z.number(),
          items: z.array(z.looseObject({ key: z.string(), path: z.string() })),
        })
        .optional(),
    }),
  ),
});

const objectSchema = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("ConfigMap"),
    apiVersion: z.literal("v1"),
    metadata,
    data: z.record(z.string(), z.string()),
  }),
  z.looseObject({
    kind: z.literal("Deployment"),
    apiVersion: z.literal("apps/v1"),
    metadata,
    spec: z.looseObject({
      replicas: z.number(),
      selector,
      template: z.looseObject({ metadata: z.looseObject({ labels }), spec: podSchema }),
    }),
  }),
  z.looseObject({
    kind: z.literal("PodDisruptionBudget"),
    apiVersion: z.literal("policy/v1"),
    metadata,
    spec: z.looseObject({ maxUnavailable: z.number(), selector }),
  }),
  z.looseObject({
    kind: z.literal("HorizontalPodAutoscaler"),
    apiVersion: z.literal("autoscaling/v2"),
    metadata,
    spec: z.looseObject({
      scaleTargetRef: z.looseObject({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
      minReplicas: z.number(),
      maxReplicas: z.number(),
      metrics: z.array(
        z.looseObject({
          type: z.literal("External"),
          external: z.looseObject({
            metric: z.looseObject({ name: z.string() }),
            target: z.looseObject({ type: z.literal("AverageValue"), averageValue: z.string().regex(/^\d+$/) }),
          }),
        }),
      ),
    }),
  }),
]);

export type KubernetesObject = z.infer<typeof objectSchema>;
export type KubernetesKind = KubernetesObject["kind"];
export type ObjectOf<Kind extends KubernetesKind> = Extract<KubernetesObject, { readonly kind: Kind }>;

/** Throws where an object is of a kind or version that is not ours, or lacks what it must have. */
export function parseKubernetes(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw error;
    }
    return objectSchema.parse(document.toJS());
  });
}

/** The only object of a kind. */
export function theOne<Kind extends KubernetesKind>(objects: readonly KubernetesObject[], kind: Kind): ObjectOf<Kind> {
  const found = objects.filter((object): object is ObjectOf<Kind> => object.kind === kind);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`expected one ${kind}, found ${found.length}`);
  }
  return only;
}
