/** The kinds ChaosWorkflow and ChaosWorkflowShard, and what Kubernetes must be told beside their zod schemas. */
import { workflowShardSchema, workflowSpecSchema, workflowStatusSchema } from '@chaosplane/api';
import * as z from 'zod';
import { AGE, changeRule, durationRule, listOfConditions, type Definition } from './definition.ts';
import { nullable, nullsOfSelector, probeRules, selectorRule } from './experiment.ts';
import type { Addition } from './place.ts';

const LONGER_THAN_0 = "duration(self) > duration('0s')";

/**
 * What Kubernetes must be told of the spec of a workflow that stands at a path, beside its zod schema. What steps and expressions name,
 * and the experiments of templates, are read by the operator and its webhook alone: what these refuse and the API server lets pass ends
 * as Failed, with every problem.
 */
export function workflowRules(spec: string): readonly Addition[] {
  // Those in templates would cost more than the API server allows: lists in lists.
  const steps = [`${spec}.steps[]`, `${spec}.onExit[]`];
  const probe = `${spec}.templates[].probe`;
  return [
    ...steps.flatMap((step) => [
      ...durationRule(`${step}.errorHandling.backOff`, 'allowed: a duration longer than 0, such as 10s', LONGER_THAN_0),
      ...durationRule(
        `${step}.errorHandling.maxBackOff`,
        'allowed: a duration longer than 0, such as 5m',
        LONGER_THAN_0,
      ),
    ]),
    ...durationRule(`${spec}.templates[].delay`, 'allowed: a duration longer than 0, such as 30s', LONGER_THAN_0),
    ...durationRule(`${spec}.templates[].suspend.timeout`, 'allowed: a duration such as 30m'),
    ...durationRule(`${spec}.deadline`, 'allowed: a duration such as 2h'),
    ...probeRules(probe),
    selectorRule(`${probe}.labelSelector`),
    ...[...nullsOfSelector(`${probe}.labelSelector`), `${probe}.names`].map(nullable),
  ];
}

const additions: readonly Addition[] = [
  // At the root, because only there the status is in sight.
  changeRule(
    'the spec cannot be changed once the workflow has begun: delete it and create a new one',
    "!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase == 'Pending' || (oldSelf.status.phase == 'Failed' && !has(oldSelf.status.startedAt)) || self.spec == oldSelf.spec",
  ),
  ...workflowRules('spec'),
  listOfConditions,
];

export const workflowDefinition: Definition = {
  kind: 'ChaosWorkflow',
  plural: 'chaosworkflows',
  singular: 'chaosworkflow',
  shortNames: ['chaoswf'],
  categories: ['chaosplane'],
  scope: 'Namespaced',
  description: 'A workflow: experiments in an order, which goes on by what they found.',
  schema: z.object({
    spec: workflowSpecSchema.describe('What the workflow does. It cannot be changed once it has begun.'),
    status: workflowStatusSchema.optional().describe('What has become of it. Written by the operator.'),
  }),
  additions,
  columns: [
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Verdict', type: 'string', jsonPath: '.status.verdict', description: 'The worst one of its experiments.' },
    { name: 'Steps', type: 'string', jsonPath: '.status.progress', description: 'Steps that are over, of all.' },
    { name: 'Running', type: 'integer', jsonPath: '.status.counts.running', description: 'Steps under way.' },
    AGE,
    { name: 'Message', type: 'string', jsonPath: '.status.message', wide: true },
  ],
};

export const workflowShardDefinition: Definition = {
  kind: 'ChaosWorkflowShard',
  plural: 'chaosworkflowshards',
  singular: 'chaosworkflowshard',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  description: 'A part of the steps of a workflow, which owns it. Written by the operator, and not meant to be edited.',
  schema: workflowShardSchema,
  additions: [],
  columns: [AGE],
};
