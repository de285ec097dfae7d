/** Whether the node has what a fault needs. Pure. */
import { ChaosError } from '@chaosplane/common';
import type { CapabilityName, HostCapability } from '../contract/host.ts';

/** @throws ChaosError FAILED_PRECONDITION naming everything that is missing, and how to get it. */
export function requireCapabilities(
  capabilities: readonly HostCapability[],
  needs: readonly CapabilityName[],
  action: string,
): void {
  const missing = capabilities.filter(({ name, available }) => !available && needs.includes(name));
  if (missing.length === 0) return;
  const what = missing.map(({ name, remedy }) => `${name} is missing (${remedy})`).join('; ');
  throw new ChaosError('FAILED_PRECONDITION', `this node cannot run ${action}: ${what}`);
}
