/** Resolves the target of a fault on this node: containers, or the node itself. */
import type { Host } from '../../contract/host.ts';
import type { ResolvedTarget, WantedTarget } from '../../faults/fault.ts';
import type { ParsedRequest } from '../parse.ts';
import { findContainer, findContainers } from './containers.ts';

/**
 * `pod`: what the options of the request say of the pod, beside the spec.
 * @throws ChaosError NOT_FOUND when no such pod or container runs here, FAILED_PRECONDITION when it cannot be hit.
 */
export async function resolveTarget(
  host: Host,
  spec: WantedTarget,
  pod: ParsedRequest['pod'],
): Promise<ResolvedTarget> {
  switch (spec.on) {
    case 'node':
      return { kind: 'node', nodeName: host.nodeName };
    case 'container':
      return findContainer(host, spec.containerId, pod);
    case 'pod':
      return findContainers(host, spec, pod);
  }
}
