/** The kinds of ChaosPlane: their names, columns and schemas, and what Kubernetes must be told beside the zod schemas. */
import * as z from 'zod';
import { experimentShardSchema, experimentSpecSchema, experimentStatusSchema } from '@chaosplane/api';
import { AGE, changeRule, listOfConditions, type Definition } from './definition.ts';
import { experimentRules } from './experiment.ts';
import type { Addition } from './place.ts';
import { policyDefinition } from './policy.ts';
import { scheduleDefinition } from './schedule.ts';
import { workflowDefinition, workflowShardDefinition } from './workflow.ts';

const experimentAdditions: readonly Addition[] = [
  ...experimentRules('spec'),
  // There is no webhook in this version: what must hold between fields is said here as well as in the zod schema.
  // One that failed before it started, such as over its own spec, can be corrected in place, and is begun again.
  changeRule(
    'the spec cannot be changed once the experiment has started: delete it and create a new one',
    "!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase == 'Pending' || (oldSelf.status.phase == 'Failed' && !has(oldSelf.status.startedAt)) || self.spec == oldSelf.spec",
  ),
  listOfConditions,
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
  scheduleDefinition,
  workflowDefinition,
  workflowShardDefinition,
];
