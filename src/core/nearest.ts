/** Finds what somebody probably meant. */

/** Edits (insert, delete, replace, swap of neighbours) from one text to another; `cap` when it is that many or more. */
export function editDistance(a: string, b: string, cap: number): number {
  if (Math.abs(a.length - b.length) >= cap) return cap;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(
        (previous[column] ?? cap) + 1,
        (current[column - 1] ?? cap) + 1,
        (previous[column - 1] ?? cap) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, (beforePrevious[column - 2] ?? cap) + 1);
      current.push(least);
    }
    [beforePrevious, previous] = [previous, current];
  }
  return Math.min(previous[b.length] ?? cap, cap);
}

const simplified = (text: string): string => text.toLowerCase().replace(/[-_\s]/g, '');

/** The candidate most like `word`, or undefined when none is near. Case, dashes and underscores hardly count. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const plain = simplified(word);
  const cap = Math.max(2, Math.floor(plain.length / 3) + 1);
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(plain, simplified(candidate), cap);
    if (distance < cap && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}
