/** Every action, and how to find one. */
import { ChaosError, invalidArgument, quoted } from '@chaosplane/common/pure';
import type { Action, ExecRpc } from './action.ts';
import { likelyAction } from './elsewhere.ts';
import { actions } from './gen/actions.ts';

type CatalogueAction = (typeof actions)[number];

/** By name. */
export const catalogue: readonly Action[] = actions;

/** What each action that a daemon carries out means once parsed, by the name of the action. */
export type DaemonSpecs = {
  readonly [Each in Extract<CatalogueAction, { route: { on: 'daemon' } }> as Each['name']]: ReturnType<Each['toSpec']>;
};

/** The names of the actions that the operator carries out. */
export type OperatorActions = Extract<CatalogueAction, { route: { on: 'operator' } }>['name'];

/** The RPCs that actions ask for. */
type RpcInUse = Extract<CatalogueAction, { route: { on: 'daemon' } }>['route']['rpc'];

/** Nothing. An RPC of the contract that no action asks for is a compile error here, which names it. */
export type Unasked = Nothing<Exclude<ExecRpc, RpcInUse>>;
type Nothing<Left extends never> = Left;

/** The action of that name or alias; undefined when there is none. */
export function knownAction(name: string): Action | undefined {
  return catalogue.find((action) => action.name === name || action.aliases.includes(name));
}

/**
 * The action of that name or alias.
 * @throws ChaosError INVALID_ARGUMENT naming the nearest one.
 */
export function findAction(name: string): Action {
  const found = knownAction(name);
  if (found !== undefined) return found;
  const names = catalogue.map((action) => action.name);
  const near = likelyAction(name, names);
  const wrong = `${quoted(name)} is not an action${near === undefined ? '' : `; did you mean ${near}?`}`;
  throw invalidArgument('the action', [{ path: 'action', wrong, allowed: names.join(', ') }]);
}

/** RPCs whose faults are put into the network namespace of a pod. */
const IN_NETWORK: readonly ExecRpc[] = ['execNetworkChaos', 'execHTTPChaos', 'execDNSChaos'];

/** Whether the action can only hit a pod that has a network of its own: in the node's, it would hit the whole node. */
export function needsOwnNetwork({ route }: Pick<Action, 'route'>): boolean {
  return route.on === 'daemon' && IN_NETWORK.includes(route.rpc);
}

/**
 * The action that an RPC and the value of its `action` (or `stressor_type`) field ask for; where one asks for the same of a pod
 * and of the node, the parameters tell.
 * @throws ChaosError UNIMPLEMENTED for one that this version does not have yet, INVALID_ARGUMENT for one that is none.
 */
export function findByRoute(
  rpc: ExecRpc,
  wireAction: string,
  parameters: Readonly<Record<string, string>> = {},
): Action {
  const candidates = catalogue.filter(
    ({ route }) => route.on === 'daemon' && route.rpc === rpc && route.wireAction === wireAction,
  );
  // Stress is of the node when nothing says that a pod is meant.
  const ofPod = ['podName', 'podNamespace', 'containerName'].some((key) => Object.hasOwn(parameters, key));
  const found = candidates.find(({ targetKind }) => (targetKind === 'Pod') === ofPod) ?? candidates[0];
  if (found !== undefined) return found;
  const known = new Set(
    catalogue.flatMap(({ route }) => (route.on === 'daemon' && route.rpc === rpc ? [route.wireAction] : [])),
  );
  if (known.size === 0) {
    const have = catalogue.map((action) => action.name).join(', ');
    throw new ChaosError('UNIMPLEMENTED', `${rpc} is not available in this version; it has ${have}`);
  }
  const field = rpc === 'execStressChaos' ? 'stressor_type' : 'action';
  throw invalidArgument('the request', [
    { path: field, wrong: `${quoted(wireAction)} is not known`, allowed: [...known].join(', ') },
  ]);
}
