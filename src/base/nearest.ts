/** What somebody meant who wrote a name that is not there. */

/** Which of the known words was probably meant; undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  const written = word.toLowerCase();
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(written, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** "did you mean …?" where one is near, else the list of what there is. */
export function suggest(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates);
  if (meant !== undefined) return `did you mean '${meant}'?`;
  return candidates.length > 0 ? `there is: ${candidates.slice(0, 30).join(', ')}` : 'there is none yet';
}

/**
 * Optimal string alignment: a swap of two neighbours counts as one slip, as fingers make it. Given up as soon as it is sure to be
 * `enough` or more: a file may name thousands of things, each of them wrongly.
 */
function editDistance(a: string, b: string, enough: number): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((above[j] ?? i) + 1, (row[j - 1] ?? j) + 1, (above[j - 1] ?? i) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? i) + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least >= enough) return least;
    [before, above] = [above, row];
  }
  return above[b.length] ?? enough;
}
