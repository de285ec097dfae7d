/** The ChaosSchedule resource: its schema. */
import { quoted } from '@chaosplane/common/pure';
import * as z from 'zod';
import { experimentSpecSchema } from '../experiment/spec.ts';
import { timeWindow } from '../policy/window.ts';
import { probeSchema } from '../probe/probe.ts';
import { namespaceName, objectName } from '../shared/names.ts';
import { closed, positiveDuration, waitDuration } from '../shared/schema.ts';
import { timeZone } from '../shared/time-zone.ts';
import { API_VERSION } from '../shared/version.ts';
import { workflowSpecSchema } from '../workflow/spec.ts';
import { CRON_ALLOWED, parseCron, type Timetable } from './cron.ts';
import { dstRules } from './dst.ts';

/** What a schedule does with a run that is due while an earlier one is under way. */
export const concurrencyPolicies = ['Allow', 'Forbid', 'Replace'] as const;

const cron = z
  .string()
  .min(1)
  .max(256)
  .transform((text, { addIssue }): { readonly text: string; readonly timetable: Timetable } => {
    const parsed = parseCron(text);
    if (parsed.ok) return { text, timetable: parsed.value };
    if (text !== '' && text.length <= 256)
      addIssue({ code: 'custom', message: parsed.wrong, params: { allowed: CRON_ALLOWED } });
    return z.NEVER;
  });

const DATE_ALLOWED = 'a date in quotes, such as "2026-12-24"';

/** A day of the calendar: `2026-12-24`. */
const date = z
  .string()
  .max(10)
  .superRefine((text, { addIssue }) => {
    const at = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
    if (text.length > 10 || (at !== undefined && !Number.isNaN(+at) && at.toISOString().startsWith(text))) return;
    addIssue({ code: 'custom', message: `${quoted(text)} is not a date`, params: { allowed: DATE_ALLOWED } });
  });

const freeze = closed({
  from: date.describe('The first day, by the clock on the wall: "2026-12-24".'),
  to: date.describe('The last day; it belongs to it: "2027-01-02".'),
  timeZone: timeZone.optional().describe('Whose clock that is. Default: that of the schedule.'),
}).superRefine(({ from, to }, { addIssue }) => {
  if (from <= to) return;
  const params = { allowed: `${from} or later` };
  addIssue({ code: 'custom', path: ['to'], message: `it is before ${from}`, params });
});

const history = z.int().min(0).max(100);

/** What a schedule is but for what its fields must be to each other, and for what it starts. */
const fields = {
  schedule: cron.describe(
    'When a run is planned, in the grammar of a CronJob: "30 2 * * 1-5", @daily, or "@every 1h30m".',
  ),
  timeZone: timeZone.prefault('UTC').describe('Whose clock that is: Europe/Berlin.'),
  dst: z
    .enum(dstRules)
    .default('shift')
    .describe(
      'What happens when clocks change. shift: a time that does not exist runs at the end of the gap, one that comes twice runs once; skip: the former does not run; kubernetes: as a CronJob, not at all in spring and twice in autumn.',
    ),
  concurrencyPolicy: z
    .enum(concurrencyPolicies)
    .default('Forbid')
    .describe(
      'What happens with a run while an earlier one is under way. Forbid: it is skipped, because two runs of chaos at once are seldom meant; Allow: both run; Replace: the earlier one is aborted, and it begins when that has recovered.',
    ),
  startingDeadlineSeconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .default(300)
    .describe('How late a run may begin, in seconds after the planned time; later than that it is skipped.'),
  successfulHistoryLimit: history.default(3).describe('How many runs are kept that completed.'),
  failedHistoryLimit: history
    .default(3)
    .describe('How many runs are kept that failed, were aborted, or whose hypothesis did not hold.'),
  suspend: z
    .boolean()
    .default(false)
    .describe('Whether no run begins. Runs that are planned meanwhile are not made up for.'),
  jitter: waitDuration
    .prefault('0s')
    .describe(
      'A run begins up to so much later than planned, before the next one is planned; how much is always the same for the same run.',
    ),
  windows: closed({
    allowed: z.array(timeWindow).min(1).max(50).optional().describe('Only in one of these. Default: always.'),
    blocked: z.array(timeWindow).max(50).default([]).describe('Never in one of these.'),
  })
    .prefault({})
    .describe(
      'When runs may be under way, for the whole duration of the experiment, or until the deadline of the workflow; others are skipped.',
    ),
  freeze: z.array(freeze).max(50).default([]).describe('Days on which no run is under way.'),
  startWhen: closed({
    probes: z.array(probeSchema).min(1).max(10).describe('What is asked from the planned time on.'),
    mode: z.enum(['all', 'any']).default('all').describe('Whether all of them must pass, or any of them.'),
    timeout: positiveDuration
      .prefault('5m')
      .describe('How long after the planned time; a run whose probes have not passed by then is skipped.'),
  })
    .optional()
    .describe('What must be so before a run begins.'),
};

/** Of the whole document a part may be wrong, and the rest be compared all the same. */
interface Together {
  readonly startingDeadlineSeconds: number;
  readonly jitter: number;
  readonly startWhen?: { readonly timeout: number } | undefined;
}

function checkTogether(
  { startingDeadlineSeconds, jitter, startWhen }: Together,
  { addIssue }: z.core.$RefinementCtx,
): void {
  const deadline = `startingDeadlineSeconds, which is ${startingDeadlineSeconds}s`;
  const refuse = (path: string[], message: string, allowed: string): void =>
    addIssue({ code: 'custom', path, message, params: { allowed } });
  if (jitter > startingDeadlineSeconds * 1000)
    refuse(['jitter'], 'a run would begin later than it may', `at most ${deadline}`);
  if (startWhen === undefined) return;
  const { timeout } = startWhen;
  if (timeout > startingDeadlineSeconds * 1000)
    refuse(['startWhen', 'timeout'], 'a run would begin later than it may', `at most ${deadline}`);
  if (timeout <= jitter)
    refuse(
      ['startWhen', 'timeout'],
      'probes would be asked after it',
      'more than the jitter; both count from the planned time',
    );
}

/** What a schedule wants, as a document says it. The resource definition of Kubernetes is made from it. */
export const scheduleSpecSchema = closed({
  ...fields,
  experiment: experimentSpecSchema
    .optional()
    .describe('What each run is: the spec of the ChaosExperiment that it makes. Either this or workflow.'),
  workflow: workflowSpecSchema
    .optional()
    .describe(
      'What each run is: the spec of the ChaosWorkflow that it makes; arguments are what the schedule gives its parameters. Either this or experiment.',
    ),
}).superRefine(checkTogether);

/** The document. What it runs is read by the rules of experiments and workflows, which go further than their schemas. */
export const scheduleSchema = closed({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ChaosSchedule'),
  metadata: z.looseObject({ name: objectName, namespace: namespaceName.default('default') }),
  spec: closed({ ...fields, experiment: z.unknown().optional(), workflow: z.unknown().optional() }).superRefine(
    checkTogether,
  ),
  // Kubernetes adds it; it is never the user's.
  status: z.unknown().optional(),
});

/** Days on which no run is under way. */
export type Freeze = z.output<typeof freeze>;
