/** The operator as other packages use it: its resources, and what an experiment and a daemon say to each other. */
export { parseConfig, type OperatorConfig, type RawOperatorConfig } from './config.ts';
export { connectDaemons, type Daemons } from './daemons/daemons.ts';
export { daemonDomain, nodeLabels } from './daemons/address.ts';
export { indented, planText } from './daemons/plan.ts';
export * from './daemons/requests.ts';
export { runOperator, type OperatorParts } from './operator.ts';
export { runProbes } from './probes/http.ts';
export { resolvePeers, type PeerWorld, type WirePeer } from './targets/peers.ts';
