/** Sets up what the controller of experiments knows of policies: copies of what they ask for, and what wakes an experiment. */
import { findAction } from '@chaosplane/actions';
import {
  blastRadiusPolicies,
  builtInProtection,
  type ExperimentSpec,
  type ExperimentStatus,
  type KnownPolicy,
} from '@chaosplane/api';
import {
  createInformer,
  daemonSets,
  deployments,
  keyOf,
  namespaces,
  replicaSets,
  statefulSets,
  type Component,
  type Informer,
  type KubeObject,
  type ResourceType,
} from '@chaosplane/kube';
import type { PolicyInput } from '@chaosplane/lifecycle';
import type { OperatorConfig } from '../../config.ts';
import type { TermParts } from '../../term.ts';
import { createFacts } from './facts.ts';
import { createHits, heldBy, heldTargets } from './hits.ts';
import { createKnownPolicies } from './known.ts';
import { wakeBy, type Wake } from './wake.ts';
import { createWorkloads } from './workload.ts';

/** What the controller of experiments knows of policies, and tells. */
export interface PolicyPort {
  /** For decisions on the experiment of that key, `namespace/name`. */
  inputFor(key: string): PolicyInput;
  /** What it hits from now on. Told before anything else is awaited, or two experiments would take the same room. */
  note(key: string, spec: Pick<ExperimentSpec, 'action'> | undefined, status: ExperimentStatus): void;
  /** It is gone. */
  leave(key: string): void;
  /** Whether it is to be visited before others: a kill switch is on. */
  isUrgent(key: string): boolean;
  onChange(wake: Wake): void;
}

/**
 * How long an operator waits for these copies: without them it begins nothing, and what is in force must be recovered all the same.
 * Milliseconds.
 */
const PATIENCE_MS = 10_000;

/** What is in force without a policy of the cluster. */
export function builtInPolicies({ protectedNamespaces, namespace }: OperatorConfig): readonly KnownPolicy[] {
  return [builtInProtection(protectedNamespaces ?? ['kube-system', namespace])];
}

export function setupPolicies(term: TermParts): {
  readonly components: readonly Component[];
  readonly policies: PolicyPort;
} {
  const { client, clock, logger, config } = term;
  const watch = <T extends KubeObject>(type: ResourceType<T>): Informer<T> =>
    createInformer(client, type, {}, { clock, logger });
  const caches = {
    policies: watch(blastRadiusPolicies),
    namespaces: watch(namespaces),
    replicaSets: watch(replicaSets),
    deployments: watch(deployments),
    statefulSets: watch(statefulSets),
    daemonSets: watch(daemonSets),
  };
  const { pods, nodes } = term.caches;
  const workloads = createWorkloads({ ...caches, pods });
  const hits = createHits(workloads);
  const builtIn = builtInPolicies(config);
  const known = createKnownPolicies({ ...caches, builtIn, logger });
  const factsFor = createFacts({ ...caches, pods, nodes, workloads, hits });
  term.caches.experiments.onChange(({ type, object }) => {
    const key = keyOf(object.metadata);
    if (type === 'deleted') hits.set({ key, action: '', targets: [] });
    // Under an earlier leader, and not visited yet. The status has a part of the targets, a visit has all.
    else if (type === 'added' && !hits.has(key)) hits.set(heldBy(object));
  });
  const components = Object.values(caches).map((cache): Component => ({
    name: `cache of ${cache.name}`,
    start: async (signal) => Promise.race([cache.start(signal), clock.sleep(PATIENCE_MS, signal)]),
  }));
  return {
    components,
    policies: {
      inputFor: (key) => ({ policies: known.current(), cluster: factsFor(key) }),
      note(key, spec, status) {
        const action = spec === undefined ? '' : findAction(spec.action.type).name;
        hits.set({ key, action, targets: heldTargets(status) });
      },
      leave: (key) => hits.set({ key, action: '', targets: [] }),
      isUrgent: (key) => known.halts() && hits.has(key),
      onChange: (wake) => wakeBy({ ...caches, pods }, wake, { hits, workloads }),
    },
  };
}
