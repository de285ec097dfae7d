/** Every fault of the daemon by the name of its action. */
import { catalogue } from '@chaosplane/actions';
import { ChaosError } from '@chaosplane/common';
import type { Fault } from './fault.ts';
import { networkDelay } from './network-delay.ts';
import { networkLoss } from './network-loss.ts';
import { networkPartition } from './network-partition.ts';

// A fault takes what the schema of its own action gave; the registry is where that knowledge is joined.
const faults: Readonly<Record<string, Fault<never>>> = {
  'network-delay': networkDelay,
  'network-loss': networkLoss,
  'network-partition': networkPartition,
};

/**
 * The fault that carries an action out.
 * @throws ChaosError INTERNAL when there is none: a defect that `requireCompleteRegistry` finds at the start.
 */
export function faultOf(action: string): Fault<never> {
  const fault = faults[action];
  if (fault === undefined) throw new ChaosError('INTERNAL', `no fault carries out ${action}`);
  return fault;
}

/** @throws ChaosError INTERNAL when an action has no fault, or a fault no action. */
export function requireCompleteRegistry(): void {
  const actions = catalogue.filter((action) => action.route.on === 'daemon').map((action) => action.name);
  const wrong = [
    ...actions.filter((name) => !(name in faults)).map((name) => `${name} has no fault`),
    ...Object.keys(faults)
      .filter((name) => !actions.includes(name))
      .map((name) => `the fault ${name} has no action`),
  ];
  if (wrong.length > 0) throw new ChaosError('INTERNAL', `the registry of faults is incomplete: ${wrong.join('; ')}`);
}
