/** The kind ChaosSchedule, and what Kubernetes must be told beside its zod schema. */
import { scheduleSpecSchema, scheduleStatusSchema } from '@chaosplane/api';
import * as z from 'zod';
import { AGE, durationRule, listOfConditions, rule, type Definition } from './definition.ts';
import { experimentRules, nullable, nullsOfSelector, probeRules, selectorRule } from './experiment.ts';
import type { Addition } from './place.ts';
import { timeZoneRule, windowRules } from './windows.ts';
import { workflowRules } from './workflow.ts';

/** Where windows are. */
const WINDOWS = ['spec.windows.allowed[]', 'spec.windows.blocked[]'];

/** Where the probes are that a run waits for. */
const PROBE = 'spec.startWhen.probes[]';

/**
 * The grammar of `spec.schedule` is read by the operator and its webhook alone: what these refuse and the API server lets pass is told
 * by the condition Ready.
 */
const additions: readonly Addition[] = [
  rule('spec', 'a schedule has either experiment or workflow', 'has(self.experiment) != has(self.workflow)'),
  rule(
    'spec',
    'windows and freeze are about the whole time that a run may take: say workflow.deadline',
    '!has(self.workflow) || has(self.workflow.deadline) || (!has(self.windows.allowed) && size(self.windows.blocked) == 0 && size(self.freeze) == 0)',
  ),
  ...experimentRules('spec.experiment'),
  ...workflowRules('spec.workflow'),
  ...WINDOWS.flatMap(windowRules),
  ...['spec.timeZone', 'spec.freeze[].timeZone'].map(timeZoneRule),
  ...['from', 'to'].map((day) =>
    rule(
      `spec.freeze[].${day}`,
      'a date such as "2026-12-24"',
      "self.matches('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$')",
    ),
  ),
  rule('spec.freeze[]', 'it ends before it begins', 'self.from <= self.to'),
  ...durationRule('spec.jitter', 'allowed: a duration such as 30s'),
  ...durationRule(
    'spec.startWhen.timeout',
    'allowed: a duration longer than 0, such as 5m',
    "duration(self) > duration('0s')",
  ),
  ...probeRules(PROBE),
  selectorRule(`${PROBE}.labelSelector`),
  ...[...nullsOfSelector(`${PROBE}.labelSelector`), `${PROBE}.names`].map(nullable),
  listOfConditions,
];

export const scheduleDefinition: Definition = {
  kind: 'ChaosSchedule',
  plural: 'chaosschedules',
  singular: 'chaosschedule',
  shortNames: ['chaossched'],
  categories: ['chaosplane'],
  scope: 'Namespaced',
  description: 'A schedule: an experiment or a workflow that begins again and again, at times that it plans.',
  schema: z.object({
    spec: scheduleSpecSchema.describe('When runs begin, and what they are.'),
    status: scheduleStatusSchema.optional().describe('What has become of it. Written by the operator.'),
  }),
  additions,
  columns: [
    { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' },
    { name: 'Zone', type: 'string', jsonPath: '.spec.timeZone' },
    { name: 'Suspended', type: 'boolean', jsonPath: '.spec.suspend' },
    {
      name: 'Last',
      type: 'date',
      jsonPath: '.status.lastScheduleTime',
      description: 'How long ago the last run was planned that began.',
    },
    {
      name: 'Next',
      type: 'string',
      jsonPath: '.status.nextRuns[0]',
      description: 'For when the next run is planned, by the clock of the zone.',
    },
    { name: 'Active', type: 'integer', jsonPath: '.status.counts.active', description: 'Runs that are under way.' },
    AGE,
    { name: 'Message', type: 'string', jsonPath: '.status.message', wide: true },
  ],
};
