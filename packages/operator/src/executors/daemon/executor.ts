/** Actions that the daemons carry out: each target by the daemon of its node. */
import type { WirePeer } from '@chaosplane/client';
import type { Executor } from '@chaosplane/lifecycle';
import { canceller, type CancelParts } from './cancel.ts';
import { injector, type InjectParts } from './inject.ts';
import { observer, type ObserveParts } from './observe.ts';
import { reachNodes, type ReachParts } from './reach.ts';
import { deadlines, movingPeers, type RenewParts } from './renew.ts';
import { nodeOf } from './node-executions.ts';

/** What an executor is made of. */
export interface DaemonExecutorParts extends ReachParts, InjectParts, ObserveParts, RenewParts, CancelParts {
  /** The peers of executions that are there already, at this moment. Absent: they cannot change. */
  readonly followed?: () => readonly WirePeer[];
}

/** An executor for one experiment. */
export function daemonExecutor(parts: DaemonExecutorParts): Executor {
  const reach = reachNodes(parts);
  const seenOn = new Map<string, string>();
  const { daemons, followed } = parts;
  return {
    isUnresponsive: (target) => daemons.isUnresponsive(nodeOf(target)),
    ...injector(parts, reach),
    ...observer(parts, reach, seenOn),
    ...canceller(parts, reach, seenOn),
    deadline: deadlines(parts, reach),
    ...(followed === undefined ? {} : { peers: movingPeers(followed, parts, reach) }),
  };
}
