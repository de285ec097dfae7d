/** When a fault has ended for certain. */

/** At this time after the deadline, the kernel has ended a fault of the network or of a process, regardless of its daemon. */
export const EXPIRY_MARGIN_MS = 30_000;
