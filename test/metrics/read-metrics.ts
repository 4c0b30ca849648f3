import assert from "node:assert/strict";

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly labels: Labels;
  readonly value: number;
}

/** What one scrape said. */
export interface ScrapedMetrics {
  /** Every metric that has a type. */
  names(): readonly string[];
  kind(name: string): string | undefined;
  help(name: string): string | undefined;
  /** Whether it has a series, for a histogram its count. */
  has(name: string): boolean;
  /** The series of a name that have these labels, and maybe others. */
  series(name: string, labels?: Labels): readonly Series[];
  sum(name: string, labels?: Labels): number;
  /** Fails unless there is exactly one. */
  value(name: string, labels: Labels): number;
}

/** Reads the text form of Prometheus; fails on a line that is not of it. */
export function readMetrics(text: string): ScrapedMetrics {
  const kinds = new Map<string, string>();
  const helps = new Map<string, string>();
  const all = new Map<string, Series[]>();
  for (const line of text.split("\n")) {
    const [, word, name = "", rest = ""] = /^# (TYPE|HELP) (\S+) (.*)$/.exec(line) ?? [];
    if (word !== undefined) {
      (word === "TYPE" ? kinds : helps).set(name, rest);
    } else if (line !== "") {
      const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      assert.ok(found !== null, `not a line of metrics: ${line}`);
      const [, of = "", labelText = "", value = ""] = found;
      const labels = Object.fromEntries(
        [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = "", text = ""]) => [label, text]),
      );
      all.set(of, [...(all.get(of) ?? []), { labels, value: Number(value) }]);
    }
  }
  const series = (name: string, labels: Labels = {}): readonly Series[] =>
    (all.get(name) ?? []).filter((one) => Object.entries(labels).every(([label, text]) => one.labels[label] === text));
  return {
    names: () => [...kinds.keys()],
    kind: (name) => kinds.get(name),
    help: (name) => helps.get(name),
    has: (name) => all.has(name) || all.has(`${name}_count`),
    series,
    sum: (name, labels) => series(name, labels).reduce((sum, { value }) => sum + value, 0),
    value: (name, labels) => {
      const [one, another] = series(name, labels);
      assert.ok(one !== undefined && another === undefined, `expected one series of ${name} ${JSON.stringify(labels)}`);
      return one.value;
    },
  };
}
