/** Every fault of the daemon by the name of its action. */
import { catalogue, execRpcs } from '@chaosplane/actions';
import { ChaosError } from '@chaosplane/common';
import type { Fault } from './fault.ts';
import { faults } from './gen/faults.ts';
import type { DriverName } from '../journal/record.ts';

/**
 * Each fault takes the spec that the schema of its own action gives. Types know that of one fault at a time only, so this is the one
 * place that joins them: a caller passes the spec of the action by whose name it has found the fault.
 */
const byName = new Map(Object.entries(faults) as [string, Fault<unknown>][]);

/**
 * The fault that carries an action out.
 * @throws ChaosError INTERNAL when there is none: a defect that `requireCompleteRegistry` finds at the start.
 */
export function faultOf(action: string): Fault<unknown> {
  const fault = byName.get(action);
  if (fault === undefined) throw new ChaosError('INTERNAL', `no fault carries out ${action}`);
  return fault;
}

/** The same for a driver, which is asked for its own faults only. */
export function faultOfDriver<Name extends DriverName>(driver: Name, action: string): FaultOf<Name> {
  const fault = faultOf(action);
  if (isOf(driver, fault)) return fault;
  throw new Error(`${action} is not a fault of the ${driver} driver`);
}

type FaultOf<Name extends DriverName> = Extract<Fault<unknown>, { driver: Name }>;

function isOf<Name extends DriverName>(driver: Name, fault: Fault<unknown>): fault is FaultOf<Name> {
  return fault.driver === driver;
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
