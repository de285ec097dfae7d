/** What talks to a daemon, and to a cluster with the operator. */
export { requestAbort, untilEnded } from './cluster/abort.ts';
export { applyExperiment, type Application } from './cluster/apply.ts';
export { followExperiment, type Following } from './cluster/follow.ts';
export { HALT_POLICY, haltCluster, liftHalt, unfinished, untilHalted, type Unfinished } from './cluster/halt.ts';
export { statusOf } from './cluster/status.ts';
export { isPassing, isRefusal, reasonOf } from './daemon/errors.ts';
export { evidenceOf, isLive, observed, words } from './daemon/executions.ts';
export { followedPeers, peersMove, resolvePeers, type PeerSources, type WirePeer } from './daemon/peers.ts';
export { indented, planText } from './daemon/plan.ts';
export { idempotencyKey, send, type Injection } from './daemon/requests.ts';
