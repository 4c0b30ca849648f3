import { parse } from "yaml";
import { z } from "zod";

import { interpolate } from "./interpolate.ts";

/** What the checks look at of a Compose file; the rest is let be. Throws with the place of what has another form. */
export type ComposeFile = z.infer<typeof fileSchema>;
export type ComposeService = z.infer<typeof serviceSchema>;

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const resourcesSchema = z.looseObject({ cpus: scalar.optional(), memory: scalar.optional() });

const serviceSchema = z.looseObject({
  image: z.string(),
  container_name: z.string().optional(),
  environment: z.record(z.string(), scalar).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).default([]),
  command: z.array(z.string()).optional(),
  restart: z.string().optional(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  stop_grace_period: z.string().optional(),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string().optional() })).default({}),
  healthcheck: z
    .looseObject({
      test: z.array(z.string()),
      interval: z.string().optional(),
      timeout: z.string().optional(),
      retries: z.number().optional(),
      start_period: z.string().optional(),
    })
    .optional(),
  build: z
    .looseObject({
      context: z.string(),
      dockerfile: z.string(),
      args: z.record(z.string(), scalar).default({}),
    })
    .optional(),
  deploy: z
    .looseObject({
      replicas: z.number().optional(),
      restart_policy: z.looseObject({ condition: z.string(), delay: z.string().optional() }).optional(),
      resources: z
        .looseObject({ limits: resourcesSchema.optional(), reservations: resourcesSchema.optional() })
        .optional(),
    })
    .default({}),
});

const fileSchema = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), serviceSchema),
  secrets: z.record(z.string(), z.looseObject({ file: z.string().optional() })).default({}),
  volumes: z.record(z.string(), z.unknown()).default({}),
});

export function parseCompose(text: string): ComposeFile {
  return fileSchema.parse(parse(text, { merge: true }));
}

/** The paths at which a service finds its secrets. */
export function secretPathsOf(service: ComposeService): ReadonlySet<string> {
  return new Set(service.secrets.map((name) => `/run/secrets/${name}`));
}

/** The environment as the container gets it when nobody sets anything outside. */
export function environmentIn(service: ComposeService): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(service.environment).map(([name, raw]) => [name, interpolate(raw)]));
}
