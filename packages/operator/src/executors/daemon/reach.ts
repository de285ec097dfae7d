/** Calls to the daemons of nodes: each has a limit of time, and one of each kind to a node is under way at a time. */
import type { ChaosDaemonClient } from '@chaosplane/proto';
import type { Call, Calls } from '../../daemons/calls.ts';
import { CALL_MS, type Daemons } from '../../daemons/daemons.ts';

/** How nodes are reached. */
export interface Reach {
  /** The end of one call: its time is up, the visit is over, or `own` aborts. */
  limit(own?: AbortSignal): AbortSignal;
  /** Begins a call of that kind to a node; the one that is under way, where there is one. */
  call<T>(kind: string, node: string, run: (client: ChaosDaemonClient) => Promise<T>): Call<T>;
}

/** What nodes are reached with. */
export interface ReachParts {
  readonly daemons: Daemons;
  /** What goes on between the visits to the experiment. */
  readonly calls: Calls;
  readonly signal: AbortSignal;
}

export function reachNodes({ daemons, calls, signal }: ReachParts): Reach {
  return {
    limit: (own) => AbortSignal.any([signal, AbortSignal.timeout(CALL_MS), ...(own === undefined ? [] : [own])]),
    call: (kind, node, run) =>
      calls.start(`${kind} ${node}`, {
        isUnresponsive: () => daemons.isUnresponsive(node),
        run: () => run(daemons.of(node)),
      }),
  };
}
