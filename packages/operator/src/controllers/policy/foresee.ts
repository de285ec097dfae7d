/** What the policies of the cluster have against an experiment or a workflow that has not begun. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AskedSpec } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import { foresee, foreseeWorkflow, type Candidate, type Finding, type Graph } from '@chaosplane/lifecycle';
import { candidatesOf } from '../../targets/candidates.ts';
import type { LeaderView, Outlook } from './outlook.ts';
import { readOutlook, type SnapshotParts } from './snapshot.ts';

/** What it is judged with. */
export interface ForeseeParts extends SnapshotParts {
  readonly leader: LeaderView;
  readonly clock: Clock;
}

/**
 * Judges it, by the copies of the leader or by what is read for this once; undefined where the policies are not known.
 * @throws KubeError when the cluster cannot be read; the reason of the signal when it aborts.
 */
export async function foreseen(
  asked: AskedSpec,
  key: string,
  { leader, clock, ...parts }: ForeseeParts,
  signal: AbortSignal,
): Promise<readonly Finding[] | undefined> {
  const outlook = leader.outlook?.(key) ?? (await readOutlook([asked], key, parts, signal));
  return foresee(asked, { candidates: candidatesOf(asked, outlook), policy: outlook.policy }, clock.now());
}

/** No experiment has it: nothing that is in force is a workflow's own before it begins. */
const NO_KEY = '';

/**
 * The same for all experiments of a workflow that has not begun, alone and beside each other; messages name its steps.
 * @throws KubeError when the cluster cannot be read; the reason of the signal when it aborts.
 */
export async function foreseenWorkflow(
  graph: Graph,
  maxParallelism: number,
  { leader, clock, ...parts }: ForeseeParts,
  signal: AbortSignal,
): Promise<readonly Finding[] | undefined> {
  const specs = experimentsOf(graph);
  if (specs.length === 0) return [];
  const outlook = leader.outlook?.(NO_KEY) ?? (await readOutlook(specs, NO_KEY, parts, signal));
  const { policy } = outlook;
  const bits = foreseeWorkflow(
    graph,
    maxParallelism,
    { policy, candidatesOf: candidatesByNamespace(outlook) },
    clock.now(),
  );
  for (;;) {
    const bit = bits.next();
    if (bit.done === true) return bit.value;
    // What three hundred experiments ask of ten thousand pods takes seconds, and other things wait.
    await nextTurn();
    signal.throwIfAborted();
  }
}

/** What each experiment of a workflow asks for. */
export function experimentsOf({ nodes }: Graph): readonly AskedSpec[] {
  return [...nodes.values()].flatMap(({ step }) => (step.kind === 'experiment' ? [step.experiment] : []));
}

/** Steps ask for the same namespaces again and again. */
function candidatesByNamespace(outlook: Outlook): (spec: AskedSpec) => readonly Candidate[] {
  const known = new Map<string, ReadonlyMap<string, readonly Candidate[]>>();
  return (spec) => {
    const { kind, namespace } = spec.target;
    // Each choice puts them in this order, which is little work where they are in it.
    const inOrder = (): Candidate[] => candidatesOf(spec, outlook).toSorted((a, b) => (a.uid < b.uid ? -1 : 1));
    const byNamespace = known.get(kind) ?? Map.groupBy(inOrder(), (one) => one.namespace);
    known.set(kind, byNamespace);
    return byNamespace.get(namespace) ?? [];
  };
}
