/** The candidate that was probably meant, if one is near enough: a slip or two, or the same last word. */
export function nearest(wanted: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(wanted.length / 5)) + 1;
  for (const candidate of candidates) {
    const distance =
      Math.abs(candidate.length - wanted.length) < bestDistance ? editDistance(wanted, candidate) : Infinity;
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? withSameEnd(wanted, candidates);
}

/** `, did you mean X?` or nothing. */
export function didYouMean(wanted: string, candidates: Iterable<string>): string {
  const found = nearest(wanted, candidates);
  return found === undefined ? "" : `, did you mean ${found}?`;
}

function withSameEnd(wanted: string, candidates: Iterable<string>): string | undefined {
  const end = lastWord(wanted);
  const same = [...candidates].filter((candidate) => lastWord(candidate) === end);
  return same.length === 1 ? same[0] : undefined;
}

function lastWord(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** How many letters have to be put in, taken out or changed (Levenshtein). */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
