/** How long an operator takes to end, at most, when it is told to. */
import { RELEASE_MS, STOP_BUDGET_MS } from '@chaosplane/kube';

/**
 * From SIGTERM to the end of the process. What the leader runs is stopped, and the webhook beside it; then the lease is given back,
 * so that another replica need not wait for it. The chart gives the pod this time and a little more. Milliseconds.
 */
export const SHUTDOWN_MS = STOP_BUDGET_MS + RELEASE_MS;
