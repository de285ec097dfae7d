/** One clock for all threads and moments of a bench: the machine's monotonic one. */

/** Milliseconds. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
