/** What is known of the samples of a probe of `steadyState.during`. Times are milliseconds. */

/** So many passing samples took about so long: the number of a bucket, and how many are in it, by bucket. See latencies.ts. */
export type Latencies = readonly (readonly [bucket: number, count: number])[];

/** Samples of one part of the experiment. */
export interface Taken {
  readonly passed: number;
  readonly failed: number;
  /** Nothing was measured, so they are no part of any share. */
  readonly errors: number;
  /** Of those that passed. */
  readonly latencies: Latencies;
}

/** The share that passed, in percent, rounded down to a tenth: 999 of 1,000 is not 100 percent. NaN when there is none. */
export function passRate({ passed, failed }: Pick<Taken, 'passed' | 'failed'>): number {
  return Math.floor((passed * 1000) / (passed + failed)) / 10;
}

/** Samples that began within one step of time. */
export interface SeriesPoint {
  readonly passed: number;
  readonly failed: number;
  readonly errors: number;
  /** How long the slowest took that passed. */
  readonly slowestMs: number;
}

/** The samples of one probe. */
export interface ProbeSamples {
  /** What people call the probe. */
  readonly name: string;
  /** Before the first injection. */
  readonly before: Taken;
  /** While all faults were in force. */
  readonly inForce: Taken;
  /** The last one, by its beginning; absent: there is none. */
  readonly last?: { readonly outcome: 'pass' | 'fail' | 'error'; readonly begunAt: number };
  /** What the last one said that failed, or that could not be taken. */
  readonly failure?: string;
  /** From the beginning of the injection to the end of the first sample after it that failed. */
  readonly timeToDetectMs?: number;
  /** From the beginning of the recovery to the end of the first sample since which all pass; absent: none has failed, or they do not pass. */
  readonly timeToRecoverMs?: number;
  /** When the failing samples began behind which none has passed yet. */
  readonly failingSince?: number;
  /** The longest time from a sample that failed to the next that passed, since the first injection. */
  readonly longestOutageMs: number;
  /** When the first point of the series begins. */
  readonly seriesFrom?: number;
  /** How long each point of the series is. */
  readonly stepMs: number;
  /** Since the first sample. */
  readonly series: readonly SeriesPoint[];
}
