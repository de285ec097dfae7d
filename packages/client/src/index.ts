/** What talks to a daemon, and to a cluster with the operator. */
export { requestAbort, untilEnded, type WaitOptions } from './cluster/abort.ts';
export { applyRun, type Application } from './cluster/apply.ts';
export { followRun, type Following } from './cluster/follow.ts';
export { HALT_POLICY, haltCluster, liftHalt, unfinished, untilHalted, type Unfinished } from './cluster/halt.ts';
export { experimentRuns, workflowRuns, type Runs } from './cluster/runs.ts';
export { statusOf } from './cluster/status.ts';
export { resumeSteps, stepExperimentsOf, workflowStateOf } from './cluster/workflow.ts';
export { isPassing, isRefusal, reasonOf } from './daemon/errors.ts';
export { evidenceOf, isLive, observed, words } from './daemon/executions.ts';
export { followedPeers, peersMove, resolvePeers, type PeerSources, type WirePeer } from './daemon/peers.ts';
export { indented, planText } from './daemon/plan.ts';
export { idempotencyKey, send, type Injection } from './daemon/requests.ts';
