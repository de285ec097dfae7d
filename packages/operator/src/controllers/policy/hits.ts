/** What the experiments that are under way hit, by the pods, nodes, workloads and namespaces: in memory, and filled again by each visit. */
import { knownAction } from '@chaosplane/actions';
import type { ExperimentObject, Phase, TargetStatus } from '@chaosplane/api';
import { keyOf } from '@chaosplane/kube';
import type { PolicyTarget } from '@chaosplane/lifecycle';
import type { Workloads } from './workload.ts';

/** What one experiment hits, or is about to. */
export interface Held {
  /** `namespace/name`. */
  readonly key: string;
  readonly action: string;
  readonly targets: readonly PolicyTarget[];
}

/** Where something is hit. */
export type Place = 'pod' | 'node' | 'workload' | 'namespace';

/** What each experiment hits. */
export interface Hits {
  /** What an experiment hits from now on. */
  set(held: Held): void;
  /** The experiments that hit something there: a pod by its uid, a node, a workload or a namespace by its name. */
  of(place: Place, name: string): ReadonlySet<string>;
  /** The names of all nodes that are hit, with who hits them. */
  nodes(): ReadonlyMap<string, ReadonlySet<string>>;
  has(key: string): boolean;
  all(): Iterable<Held>;
}

/** A status, or what of it the API server has. */
export interface Written {
  readonly phase: Phase;
  readonly targets: readonly Pick<TargetStatus, 'namespace' | 'name' | 'uid' | 'state'>[];
}

/** Which targets are hit, or about to be: also those that were left to the TTL at the end. */
export function heldTargets({ phase, targets }: Written): readonly PolicyTarget[] {
  const begins = phase === 'SteadyStateChecking' || phase === 'Running';
  return targets.filter(({ state }) => state === 'Injected' || (begins && state === 'Selected'));
}

/** What an experiment hits, as far as its object tells: its status has a part of the targets. */
export function heldBy({ metadata, spec, status }: ExperimentObject): Held {
  const targets = heldTargets({ phase: status?.phase ?? 'Pending', targets: status?.targets ?? [] });
  return { key: keyOf(metadata), action: actionOf(spec), targets };
}

/** As far as it can be told of a spec that was not understood yet. */
function actionOf(spec: unknown): string {
  const type = (spec as { readonly action?: { readonly type?: unknown } } | undefined)?.action?.type;
  return (typeof type === 'string' ? knownAction(type)?.name : undefined) ?? '';
}

const NONE: ReadonlySet<string> = new Set();

/** No experiment hits anything yet. */
export function createHits({ hitBy }: Pick<Workloads, 'hitBy'>): Hits {
  const held = new Map<string, Held>();
  const places: Readonly<Record<Place, Map<string, Set<string>>>> = {
    ...{ pod: new Map(), node: new Map(), workload: new Map(), namespace: new Map() },
  };
  /** By the key of an experiment: where it was entered. */
  const entered = new Map<string, readonly (readonly [Place, string])[]>();

  const leave = (key: string): void => {
    for (const [place, name] of entered.get(key) ?? []) {
      const there = places[place].get(name);
      there?.delete(key);
      if (there?.size === 0) places[place].delete(name);
    }
    entered.delete(key);
  };
  const enter = ({ key, targets }: Held): void => {
    const where = [...placesOf(targets), ...[...hitBy(targets)].map((name) => ['workload', name] as const)];
    for (const [place, name] of where) {
      const there = places[place].get(name) ?? new Set();
      places[place].set(name, there.add(key));
    }
    entered.set(key, where);
  };

  return {
    set(next) {
      const before = held.get(next.key);
      if (before !== undefined && areSame(before.targets, next.targets)) {
        // Another object all the same: what was counted of it is counted again, with the labels of this moment.
        held.set(next.key, next);
        return;
      }
      leave(next.key);
      held.delete(next.key);
      if (next.targets.length === 0) return;
      held.set(next.key, next);
      enter(next);
    },
    of: (place, name) => places[place].get(name) ?? NONE,
    nodes: () => places.node,
    has: (key) => held.has(key),
    all: () => held.values(),
  };
}

function placesOf(targets: readonly PolicyTarget[]): readonly (readonly [Place, string])[] {
  const namespaces = new Set(targets.map(({ namespace }) => namespace));
  return [
    ...targets.map(({ namespace, name, uid }) =>
      namespace === '' ? (['node', name] as const) : (['pod', uid] as const),
    ),
    ...[...namespaces].filter((name) => name !== '').map((name) => ['namespace', name] as const),
  ];
}

function areSame(some: readonly PolicyTarget[], others: readonly PolicyTarget[]): boolean {
  return some.length === others.length && some.every(({ uid }, index) => uid === others[index]?.uid);
}
