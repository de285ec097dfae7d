/** How late packets are on a machine that may be busy with other things. */
import { expect } from '@jest/globals';
import { distribution } from '@chaosplane/testkit';

/** What is expected of the times of packets, in milliseconds. */
export interface ExpectedTimes {
  /** No packet is earlier, in any try. */
  readonly earliest?: number;
  /** The median is no later, in one of the tries. */
  readonly latest: number;
  /** How often it is measured at the most. */
  readonly tries: number;
}

/**
 * A busy machine makes packets late, never early: so it is measured again. A delay that is too short fails at the first try, and one
 * that is too long is so in every try. Returns how often it was measured.
 */
export async function expectTimes(
  measure: () => Promise<readonly number[]>,
  { earliest, latest, tries }: ExpectedTimes,
): Promise<number> {
  for (let tried = 1; ; tried++) {
    const { least, median } = distribution(await measure());
    if (earliest !== undefined) expect(least).toBeGreaterThanOrEqual(earliest);
    if (median > latest && tried < tries) continue;
    expect(median).toBeLessThanOrEqual(latest);
    return tried;
  }
}
