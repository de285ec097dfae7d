/** "Did you mean …?": the known word that is nearest to one that is not known. */
import { distance } from 'fastest-levenshtein';

/** The nearest of `known`, when it is near enough to be meant; undefined otherwise. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // A word of ten kilobytes is no typing mistake, and would take long to compare.
  if (word.length > 100) return undefined;
  const ranked = known
    .map((candidate) => ({ candidate, away: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  const [best] = ranked;
  return best !== undefined && best.away <= Math.max(2, Math.floor(best.candidate.length / 3))
    ? best.candidate
    : undefined;
}
