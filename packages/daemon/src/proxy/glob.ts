/** Globs, matched in time that grows with pattern × text at worst: a pattern from outside can never be slow. */

/** Whether `text` as a whole is what `pattern` says: `*` is any run of characters, `?` is one of them. */
export function matchesGlob(pattern: string, text: string): boolean {
  let [at, read] = [0, 0];
  // Where to go on when what follows the last star does not fit: only the last one ever has to be tried again.
  let [star, resume] = [-1, 0];
  while (read < text.length) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = at;
      resume = read;
      at += 1;
    } else if (wanted === '?' || wanted === text[read]) {
      at += 1;
      read += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      read = resume;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
