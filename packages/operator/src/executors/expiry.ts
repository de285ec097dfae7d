/** When a fault has ended for certain. */

/** So long after its deadline the kernel has certainly ended a fault of the network or of a process, whatever its daemon does. */
export const EXPIRY_MARGIN_MS = 30_000;
