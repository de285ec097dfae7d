/** The operator as other packages use it. */
export { parseConfig, type OperatorConfig, type RawOperatorConfig } from './config.ts';
export { connectDaemons, type Daemons } from './daemons/daemons.ts';
export { daemonDomain, nodeLabels } from './daemons/address.ts';
export { runOperator } from './operator.ts';
export type { OperatorParts } from './parts.ts';
