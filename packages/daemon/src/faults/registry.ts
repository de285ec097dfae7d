/** Every fault of the daemon by the name of its action. */
import { catalogue, execRpcs } from '@chaosplane/actions';
import { ChaosError } from '@chaosplane/common';
import type { Fault } from './fault.ts';
import { faults } from './gen/faults.ts';

// A fault takes what the schema of its own action gave; the registry is where that knowledge is joined.
const byName = new Map(Object.entries(faults) as [string, Fault<never>][]);

/**
 * The fault that carries an action out.
 * @throws ChaosError INTERNAL when there is none: a defect that `requireCompleteRegistry` finds at the start.
 */
export function faultOf(action: string): Fault<never> {
  const fault = byName.get(action);
  if (fault === undefined) throw new ChaosError('INTERNAL', `no fault carries out ${action}`);
  return fault;
}

/** @throws ChaosError INTERNAL when an RPC has no action, an action no fault, or a fault no action. */
export function requireCompleteRegistry(): void {
  const actions = catalogue.filter((action) => action.route.on === 'daemon').map((action) => action.name);
  const asked = catalogue.flatMap(({ route }) => (route.on === 'daemon' ? [route.rpc] : []));
  const wrong = [
    ...execRpcs.filter((rpc) => !asked.includes(rpc)).map((rpc) => `no action asks for the RPC ${rpc}`),
    ...actions.filter((name) => !byName.has(name)).map((name) => `${name} has no fault`),
    ...[...byName.keys()].filter((name) => !actions.includes(name)).map((name) => `the fault ${name} has no action`),
  ];
  if (wrong.length > 0) throw new ChaosError('INTERNAL', `the registry of faults is incomplete: ${wrong.join('; ')}`);
}
