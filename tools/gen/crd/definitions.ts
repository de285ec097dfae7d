/** The kinds of ChaosPlane: their names, columns and schemas, and what Kubernetes must be told beside the zod schemas. */
import { z } from 'zod';
import { catalogue, MOST_PARAMETERS, type Action } from '@chaosplane/actions';
import { experimentShardSchema, experimentSpecSchema, experimentStatusSchema } from '@chaosplane/api';
import { AGE, durationRule, rule, type Definition } from './definition.ts';
import { describeParameters } from './parameters.ts';
import type { Addition } from './place.ts';
import { policyDefinition } from './policy.ts';

/** At the root, because only there the status is in sight; people are pointed to the spec. */
function changeRule(message: string, cel: string): Addition {
  const validation = { rule: cel, message, fieldPath: '.spec', reason: 'FieldValueForbidden' } as const;
  return { at: '', add: { 'x-kubernetes-validations': [validation] } };
}

/** Names and aliases of the actions for that kind of target; of others only the operator knows. */
function isActionOf(kind: Action['targetKind']): string {
  const names = catalogue
    .filter(({ targetKind }) => targetKind === kind)
    .flatMap((each) => [each.name, ...each.aliases]);
  return `(self.action.type in [${names.map((name) => `'${name}'`).join(', ')}])`;
}

/** Names and aliases of the actions that happen once. */
const isOneShot = `(self.action.type in [${catalogue
  .filter(({ recover }) => recover === 'one-shot')
  .flatMap(({ name, aliases }) => [name, ...aliases])
  .map((name) => `'${name}'`)
  .join(', ')}])`;

/** Where probes are. */
const PROBES = [
  'spec.steadyState.before[]',
  'spec.steadyState.during[]',
  'spec.steadyState.after[]',
  'spec.abortConditions[]',
] as const;

/** Where objects are chosen by their labels. */
const SELECTORS = [
  'spec.target.labelSelector',
  'spec.peers[].podSelector.labelSelector',
  ...PROBES.map((probe) => `${probe}.labelSelector`),
];

/** What each type of probe needs: of a field that not all have, the schema cannot say that it is required. */
const probeRules = PROBES.flatMap((probe) => [
  rule(probe, 'probes of the types http and prometheus need a url', "self.type == 'k8s' || has(self.url)"),
  rule(
    probe,
    'a probe of the type prometheus needs query and expect',
    "self.type != 'prometheus' || (has(self.query) && has(self.expect))",
  ),
  rule(
    probe,
    'a probe of the type k8s needs kind, ready, and names or labelSelector',
    "self.type != 'k8s' || (has(self.kind) && has(self.ready) && (has(self.names) || has(self.labelSelector)))",
  ),
  rule(`${probe}.ready`, 'either count or share', 'has(self.count) != has(self.share)'),
]);

/**
 * Where an API server would drop a null without a word, and so widen what is hit: `matchLabels: { app: }` would mean every pod.
 * Kept, the operator refuses it with the words of `chaosplane run`. A null in a list is refused by the API server itself.
 */
const NULLS_KEPT = [
  ...SELECTORS.flatMap((selector) => [
    `${selector}.matchLabels`,
    `${selector}.matchLabels{}`,
    `${selector}.matchExpressions`,
  ]),
  'spec.target.names',
  ...PROBES.map((probe) => `${probe}.names`),
  'spec.peers[].ports',
  'spec.action.parameters{}',
];

const experimentAdditions: readonly Addition[] = [
  { at: 'spec.action.parameters', add: { description: describeParameters(), maxProperties: MOST_PARAMETERS } },
  ...NULLS_KEPT.map((at): Addition => ({ at, add: { nullable: true } })),
  // There is no webhook in this version: what must hold between fields is said here as well as in the zod schema.
  // One that failed before it started, such as over its own spec, can be corrected in place, and is begun again.
  changeRule(
    'the spec cannot be changed once the experiment has started: delete it and create a new one',
    "!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase == 'Pending' || (oldSelf.status.phase == 'Failed' && !has(oldSelf.status.startedAt)) || self.spec == oldSelf.spec",
  ),
  rule(
    'spec.target',
    'nothing says which targets are meant: give names, labelSelector, or both',
    'has(self.names) || has(self.labelSelector)',
  ),
  rule(
    'spec.target',
    'the modes fixed, fixed-percent and random-max-percent need a value',
    "self.mode in ['one', 'all'] || has(self.value)",
  ),
  rule(
    'spec.target',
    'the value is more than 100 percent',
    "!self.mode.endsWith('percent') || !has(self.value) || self.value <= 100",
  ),
  rule('spec.target', 'nodes have no namespace', "self.kind != 'Node' || !has(self.namespace)"),
  rule('spec', 'this action hits nodes: say target.kind Node', `self.target.kind == 'Node' || !${isActionOf('Node')}`),
  rule('spec', 'this action hits pods: say target.kind Pod', `self.target.kind != 'Node' || !${isActionOf('Pod')}`),
  rule('spec', 'actions that hit nodes have no peers', "self.target.kind != 'Node' || size(self.peers) == 0"),
  rule('spec.target', 'the modes one and all take no value', "!(self.mode in ['one', 'all']) || !has(self.value)"),
  ...probeRules,
  ...SELECTORS.map((selector) =>
    rule(
      `${selector}.matchExpressions[]`,
      'In and NotIn need values, Exists and DoesNotExist take none',
      "self.operator in ['In', 'NotIn'] ? size(self.values) > 0 : size(self.values) == 0",
    ),
  ),
  rule(
    'spec',
    'this action happens once to each target: its targets are not dynamic',
    `!self.target.dynamic || !${isOneShot}`,
  ),
  rule('spec.peers[]', 'a peer is either a cidr or a podSelector', 'has(self.cidr) != has(self.podSelector)'),
  ...durationRule(
    'spec.duration',
    'allowed: a duration longer than 0 and at most 23h, such as 30s or 1m30s',
    "duration(self) > duration('0s')",
    "duration(self) <= duration('23h')",
  ),
  ...durationRule(
    'spec.injectionTimeout',
    'allowed: a duration longer than 0, such as 60s',
    "duration(self) > duration('0s')",
  ),
  ...durationRule('spec.steadyState.recoveryTimeout', 'allowed: a duration such as 60s'),
  ...durationRule('spec.rollback.timeout', 'allowed: a duration such as 60s'),
  { at: 'status.conditions', add: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] } },
];

/** All kinds, in the order of their files. */
export const definitions: readonly Definition[] = [
  {
    kind: 'ChaosExperiment',
    plural: 'chaosexperiments',
    singular: 'chaosexperiment',
    shortNames: ['chaosexp'],
    categories: ['chaosplane'],
    scope: 'Namespaced',
    description: 'An experiment: an action hits targets for a duration, and is undone.',
    schema: z.object({
      spec: experimentSpecSchema.describe('What the experiment wants. It cannot be changed once it has started.'),
      status: experimentStatusSchema.optional().describe('What has become of it. Written by the operator.'),
    }),
    additions: experimentAdditions,
    columns: [
      { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
      {
        name: 'Verdict',
        type: 'string',
        jsonPath: '.status.verdict',
        description: 'Whether the hypothesis held; Inconclusive: it cannot be said.',
      },
      { name: 'Action', type: 'string', jsonPath: '.spec.action.type' },
      { name: 'Targets', type: 'integer', jsonPath: '.status.counts.targets' },
      {
        name: 'Injected',
        type: 'integer',
        jsonPath: '.status.counts.injected',
        description: 'Injected, and not recovered yet.',
      },
      {
        name: 'Verified',
        type: 'string',
        jsonPath: '.status.verified',
        description: 'Targets with a measured effect, of those that were injected.',
      },
      { name: 'Duration', type: 'string', jsonPath: '.spec.duration' },
      AGE,
      { name: 'Message', type: 'string', jsonPath: '.status.message', wide: true },
    ],
  },
  {
    kind: 'ChaosExperimentShard',
    plural: 'chaosexperimentshards',
    singular: 'chaosexperimentshard',
    shortNames: [],
    categories: [],
    scope: 'Namespaced',
    description:
      'A part of the targets of an experiment, which owns it. Written by the operator, and not meant to be edited.',
    schema: experimentShardSchema,
    additions: [],
    columns: [AGE],
  },
  policyDefinition,
];
