/** Events on pods and nodes: who looks at one that behaves strangely finds the experiment there. */
import { targetName, type ExperimentSpec, type ExperimentStatus, type TargetStatus } from '@chaosplane/api';
import { formatDuration, type Logger } from '@chaosplane/common';
import type { KubeObject, RecordedEvent } from '@chaosplane/kube';
import type { ControllerParts } from './parts.ts';
import type { Visited } from './visit.ts';

/**
 * Once it is written down: an event for each target whose fault has begun or ended since the status was written before, and a line in the
 * log for each that is over.
 */
export function tellTargets(
  before: ExperimentStatus,
  status: ExperimentStatus,
  { targetEvents, logger, visited }: Pick<ControllerParts, 'targetEvents' | 'logger'> & { readonly visited: Visited },
): void {
  if (status.targets === before.targets) return;
  const known = new Map(before.targets.map(({ uid, state }) => [uid, state]));
  for (const target of status.targets) {
    if (known.get(target.uid) === target.state) continue;
    if (target.state === 'Recovered') logRecovered(target, visited, logger);
    const event = eventOf(target, visited);
    if (event !== undefined) targetEvents.record(objectOf(target), event);
  }
}

function logRecovered(target: TargetStatus, { id: experiment }: Visited, logger: Logger): void {
  const { node, executionId, endedEarly, evidence } = target;
  const told = { target: targetName(target), executionId, endedEarly, evidence: evidence?.summary };
  logger.info({ experiment, node, ...told }, 'target recovered');
}

function objectOf({ namespace, name, uid }: TargetStatus): KubeObject {
  const isNode = namespace === '';
  return {
    apiVersion: 'v1',
    kind: isNode ? 'Node' : 'Pod',
    metadata: { name, uid, ...(isNode ? {} : { namespace }) },
  };
}

function eventOf(
  { state, inForceMs, endedEarly, evidence }: TargetStatus,
  { spec, id }: Visited,
): RecordedEvent | undefined {
  const what = `${actionOf(spec)} of the experiment ${nameOf(id)}`;
  switch (state) {
    case 'Injected':
      return { type: 'Warning', reason: 'ChaosInjected', action: 'Inject', message: `hit by ${what}` };
    case 'Recovered': {
      const lasted = inForceMs === undefined ? '' : ` after ${formatDuration(inForceMs)}`;
      const told = [endedEarly, evidence?.summary].filter((part) => part !== undefined && part !== '');
      const message = [`${what} is over${lasted}`, ...told].join(': ');
      return { type: 'Normal', reason: 'ChaosRecovered', action: 'Recover', message };
    }
    case 'Selected':
    case 'Missed':
      return undefined;
  }
}

const actionOf = (spec: ExperimentSpec | undefined): string => spec?.action.type ?? 'a fault';

/** Without what only daemons need. */
const nameOf = (id: string): string => id.split('/').slice(0, 2).join('/');
