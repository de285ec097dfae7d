/** The ChaosExperiment resource: its schema. */
import { stringParameters } from '@chaosplane/actions';
import * as z from 'zod';
import { API_VERSION } from '../shared/version.ts';
import { namespaceName, objectName } from '../shared/names.ts';
import { peerSchema } from '../shared/peer.ts';
import { probeSchema } from '../probe/probe.ts';
import { abortCondition, sampledProbe } from '../probe/sampled.ts';
import { closed, positiveDuration, waitDuration } from '../shared/schema.ts';
import { labelSelector } from '../shared/selector.ts';

const target = closed({
  kind: z.enum(['Pod', 'Node']).default('Pod').describe('What is hit: pods, or nodes. The action must be one for it.'),
  namespace: namespaceName
    .optional()
    .describe("The namespace of the pods that may be hit. Default: the experiment's own. Nodes have none."),
  labelSelector: labelSelector.optional().describe('Which pods or nodes may be hit, by their labels.'),
  names: z.array(objectName).min(1).max(1000).optional().describe('Which pods or nodes may be hit, by their names.'),
  mode: z
    .enum(['one', 'all', 'fixed', 'fixed-percent', 'random-max-percent'])
    .default('one')
    .describe('How many of those that may be hit are hit.'),
  value: z
    .int()
    .min(1)
    .optional()
    .describe('How many for the mode fixed, how many percent for fixed-percent and random-max-percent.'),
  seed: z.int().optional().describe('The same seed draws the same targets.'),
  dynamic: z
    .boolean()
    .default(false)
    .describe(
      'Whether what takes the place of a target that went away is hit, too, and what else comes to fit the mode.',
    ),
}).describe('Who is hit.');

/** What the fields of a target must be to each other. */
const checkedTarget = target.superRefine((chosen, context) => {
  const refuse = (path: string[], message: string, allowed: string): void =>
    context.addIssue({ code: 'custom', path, message, params: { allowed } });
  if (chosen.names === undefined && chosen.labelSelector === undefined) {
    refuse([], 'nothing says which targets are meant', 'names, labelSelector, or both');
  }
  if (chosen.mode !== 'one' && chosen.mode !== 'all' && chosen.value === undefined) {
    refuse(['value'], `mode ${chosen.mode} needs a value`, 'a whole number');
  }
  if ((chosen.mode === 'one' || chosen.mode === 'all') && chosen.value !== undefined) {
    refuse(['value'], `mode ${chosen.mode} takes no value`, 'none, or mode fixed or fixed-percent');
  }
  if (chosen.mode.endsWith('percent') && (chosen.value ?? 0) > 100) {
    refuse(['value'], `${chosen.value ?? 0} is more than 100 percent`, '1 to 100');
  }
  if (chosen.kind === 'Node' && chosen.namespace !== undefined)
    refuse(['namespace'], 'nodes have no namespace', 'nothing here');
});

/** A little below what a daemon accepts unless it is configured otherwise: executions outlive the experiment by a margin. */
const runDuration = positiveDuration.refine((ms) => ms <= 23 * 3600_000, {
  message: 'it is out of range',
  params: { allowed: 'at most 23h' },
});

/** What an experiment wants, as a document says it. The resource definition of Kubernetes is made from it. */
export const experimentSpecSchema = closed({
  target: checkedTarget,
  action: closed({
    type: z.string().min(1).max(63).describe('The name of the action, such as network-delay.'),
    parameters: stringParameters.default({}).describe('What the action is given; see the documentation of the action.'),
  }).describe('What happens to the targets.'),
  peers: z
    .array(peerSchema)
    .max(100)
    .default([])
    .describe("The other ends of the traffic that a network action hits, beside the peers of the action's parameters."),
  duration: runDuration.describe(
    'How long the targets are hit, counted from the moment when all of them are: 30s, 5m.',
  ),
  injectionTimeout: positiveDuration
    .prefault('60s')
    .describe('How long it may take until all targets are hit; those that are not by then are missed.'),
  execution: closed({
    parallelism: z.int().min(1).max(1000).default(10).describe('How many targets are injected at the same time.'),
    dryRun: z.boolean().default(false).describe('Choose and check the targets, but change nothing.'),
    onMissed: z
      .enum(['Continue', 'Recover'])
      .default('Continue')
      .describe('What happens when a target could not be injected.'),
    onTargetGone: z
      .enum(['Fail', 'Continue'])
      .default('Fail')
      .describe(
        'How a run ends in which a target went away by itself: its pod was deleted or evicted, its node removed.',
      ),
  })
    .prefault({})
    .describe('How the experiment is carried out.'),
  steadyState: closed({
    before: z.array(probeSchema).max(20).default([]).describe('Must pass before anything is injected.'),
    during: z
      .array(sampledProbe)
      .max(10)
      .default([])
      .describe('Is asked again and again, while the faults are in force and until it passes again afterwards.'),
    after: z.array(probeSchema).max(20).default([]).describe('Must pass again once everything has recovered.'),
    recoveryTimeout: waitDuration.prefault('60s').describe('How long the steady state may take to come back.'),
  })
    .prefault({})
    .describe('The hypothesis: what is normal.'),
  abortConditions: z
    .array(abortCondition)
    .max(10)
    .default([])
    .describe(
      'What ends the experiment early. Each must pass before anything is injected, and is asked again until its end.',
    ),
  rollback: closed({
    enabled: z.boolean().default(true).describe('Undo at the end; false leaves the end to the TTL on the node.'),
    timeout: waitDuration
      .prefault('60s')
      .describe('After how long a recovery counts as stuck. It goes on all the same.'),
  })
    .prefault({})
    .describe('How the experiment is undone.'),
  ttlSecondsAfterFinished: z
    .int()
    .min(0)
    .max(31_536_000)
    .optional()
    .describe('How long the object is kept once the experiment has ended, in seconds; absent: until it is deleted.'),
});

/** The document: transformed, so that a target of pods has a namespace. */
export const experimentSchema = closed({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ChaosExperiment'),
  metadata: z.looseObject({ name: objectName, namespace: namespaceName.default('default') }),
  spec: experimentSpecSchema,
  // Kubernetes adds it; it is never the user's.
  status: z.unknown().optional(),
}).transform(({ apiVersion, kind, metadata, spec }) => ({
  apiVersion,
  kind,
  metadata,
  spec: { ...spec, target: { ...spec.target, namespace: namespaceOf(spec.target, metadata.namespace) } },
}));

/** Empty for nodes, which have none: no pod is ever in it. */
export function namespaceOf({ kind, namespace }: z.output<typeof target>, own: string): string {
  return kind === 'Node' ? '' : (namespace ?? own);
}

/** An experiment that can be run. Durations are milliseconds. */
export type ChaosExperiment = z.output<typeof experimentSchema>;

/** What an experiment wants. */
export type ExperimentSpec = ChaosExperiment['spec'];

/** Which pods or nodes may be hit. */
export type TargetSpec = ExperimentSpec['target'];
