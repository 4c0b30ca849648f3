import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** A metric as it is declared: what the docs say of it, and how it is opened in a registry. */
export interface Declared<M> {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  readonly open: (registry: Registry) => M;
}

export function counter<const L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): Declared<Counter<L>> {
  const open = (registry: Registry): Counter<L> =>
    new Counter({ name, help, labelNames: [...labels], registers: [registry] });
  return { name, kind: "counter", help, labels, open };
}

export function gauge<const L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): Declared<Gauge<L>> {
  const open = (registry: Registry): Gauge<L> =>
    new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
  return { name, kind: "gauge", help, labels, open };
}

export function histogram<const L extends string = never>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: readonly L[] = [],
): Declared<Histogram<L>> {
  const open = (registry: Registry): Histogram<L> =>
    new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] });
  return { name, kind: "histogram", help, labels, open };
}
