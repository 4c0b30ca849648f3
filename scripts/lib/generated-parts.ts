/** What stands between `<!-- generated:NAME -->` and `<!-- end:NAME -->` is made by a program; the rest is prose. */
export function replaceGenerated(text: string, parts: ReadonlyMap<string, string>, file: string): string {
  const left = new Set(parts.keys());
  const replaced = text.replace(
    /(<!-- generated:([\w-]+) -->\n)[\s\S]*?(<!-- end:\2 -->)/g,
    (_whole, start: string, name: string, end: string) => {
      const part = parts.get(name);
      if (part === undefined) {
        throw new RangeError(`making ${file}: nothing makes the part ${name}`);
      }
      left.delete(name);
      return `${start}\n${part}\n\n${end}`;
    },
  );
  if (left.size > 0) {
    throw new RangeError(`making ${file}: there is no place for ${[...left].join(", ")}`);
  }
  return replaced;
}
