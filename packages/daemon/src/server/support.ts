/** Whether this node can carry an action out, and how: asked of the same code that would do it. Pure. */
import type { Action } from '@chaosplane/actions';
import { asChaosError, defined } from '@chaosplane/common';
import type { ActionSupport, DeepPartial } from '@chaosplane/proto';
import { parseParameters } from '@chaosplane/actions';
import { requireCapabilities } from '../engine/capabilities.ts';
import { PROXY_NEEDS } from '../engine/drivers/proxy/driver.ts';
import type { NodeSettings } from '../faults/fault.ts';
import { faultOf } from '../faults/registry.ts';
import type { HostCapability } from '../contract/host.ts';
import { place, type PlacementChoice } from '../netns/placement.ts';

/** What would carry the fault out. @throws ChaosError FAILED_PRECONDITION naming what the node lacks. */
function backendOf(
  action: string,
  spec: unknown,
  capabilities: readonly HostCapability[],
  placement: PlacementChoice,
): string {
  const fault = faultOf(action);
  switch (fault.driver) {
    case 'network':
      return place(fault.layer(spec, { id: 'l0', peers: [] }), capabilities, placement).engine;
    case 'proxy':
      requireCapabilities(capabilities, PROXY_NEEDS, action);
      return 'proxy';
    case 'process':
      requireCapabilities(capabilities, ['root', 'stress-ng'], action);
      return 'stress-ng';
    case 'one-shot':
      requireCapabilities(capabilities, fault.needs, action);
      return fault.engine;
  }
}

/** What the administrator of the node has against it. */
function whyNotAllowed(action: string, spec: unknown, settings: NodeSettings): string | undefined {
  const fault = faultOf(action);
  if (fault.driver !== 'one-shot') return undefined;
  try {
    fault.require?.(spec, settings);
    return undefined;
  } catch (error) {
    return asChaosError(error).message;
  }
}

/** Places the action's own example and tells what came of it. Without settings, nothing may be done to the node itself. */
export function actionSupport(
  action: Action,
  capabilities: readonly HostCapability[],
  placement: PlacementChoice,
  settings: NodeSettings = { allowNodeRestart: false },
): DeepPartial<ActionSupport> {
  if (action.route.on !== 'daemon')
    return { action: action.name, supported: false, reason: 'carried out by the operator' };
  try {
    const spec = parseParameters(action, action.example, { target: 'absent' });
    const engine = backendOf(action.name, spec, capabilities, placement);
    const reason = whyNotAllowed(action.name, spec, settings);
    return { action: action.name, supported: reason === undefined, engine, ...defined({ reason }) };
  } catch (error) {
    return { action: action.name, supported: false, reason: asChaosError(error).message };
  }
}
