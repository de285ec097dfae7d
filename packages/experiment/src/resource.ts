/** The ChaosExperiment resource: its schema, and how a document becomes one, with every problem named at once. */
import { findAction, parseParameters, stringParameters } from '@chaosplane/actions';
import { ChaosError, invalidArgument, type Problem } from '@chaosplane/common';
import { z } from 'zod';
import { probeSchema } from './probe.ts';
import { closed, duration, positiveDuration } from './schema.ts';

/** The group and version of our resources. */
export const API_VERSION = 'chaos.chaosplane.io/v1alpha1';

const labels = z.record(z.string(), z.string());

const labelSelector = closed({
  matchLabels: labels.optional(),
  matchExpressions: z
    .array(
      closed({
        key: z.string().min(1),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).default([]),
      }),
    )
    .optional(),
});

const target = closed({
  kind: z.enum(['Pod', 'Node']).default('Pod'),
  namespace: z.string().min(1).default('default'),
  labelSelector: labelSelector.optional(),
  names: z.array(z.string().min(1)).optional(),
  mode: z.enum(['one', 'all', 'fixed', 'fixed-percent', 'random-max-percent']).default('one'),
  /** How many for `fixed`, how many percent for the two percentages. */
  value: z.number().int().min(1).optional(),
  /** The same seed draws the same targets. */
  seed: z.number().int().optional(),
  dynamic: z.boolean().default(false),
});

/** What the fields of a target must be to each other, and what this version does not do yet. */
const checkedTarget = target.superRefine((chosen, context) => {
  const refuse = (path: string[], message: string, allowed: string): void =>
    context.addIssue({ code: 'custom', path, message, params: { allowed } });
  if (chosen.names === undefined && chosen.labelSelector === undefined) {
    refuse([], 'nothing says which targets are meant', 'names, labelSelector, or both');
  }
  if (chosen.mode !== 'one' && chosen.mode !== 'all' && chosen.value === undefined) {
    refuse(['value'], `mode ${chosen.mode} needs a value`, 'a whole number');
  }
  if (chosen.mode.endsWith('percent') && (chosen.value ?? 0) > 100) {
    refuse(['value'], `${chosen.value ?? 0} is more than 100 percent`, '1 to 100');
  }
  if (chosen.kind === 'Node') refuse(['kind'], 'no action of this version hits a Node', 'Pod');
  if (chosen.dynamic) refuse(['dynamic'], 'targets are chosen once in this version', 'false');
});

/** A little below what a daemon accepts unless it is configured otherwise: executions outlive the experiment by a margin. */
const runDuration = positiveDuration.refine((ms) => ms <= 23 * 3600_000, {
  message: 'it is out of range',
  params: { allowed: 'at most 23h' },
});

const noAbortConditions = z
  .array(probeSchema)
  .default([])
  .refine((conditions) => conditions.length === 0, {
    message: 'abort conditions are not available in this version',
    params: { allowed: 'none; abort by hand' },
  });

const spec = closed({
  target: checkedTarget,
  action: closed({ type: z.string().min(1), parameters: stringParameters.default({}) }),
  /** Addresses and CIDRs beside those in the action's parameters. */
  peers: z.array(closed({ cidr: z.string().min(1) })).default([]),
  duration: runDuration,
  injectionTimeout: positiveDuration.prefault('60s'),
  execution: closed({
    parallelism: z.number().int().min(1).max(1000).default(10),
    dryRun: z.boolean().default(false),
    onMissed: z.enum(['Continue', 'Recover']).default('Continue'),
  }).prefault({}),
  steadyState: closed({
    before: z.array(probeSchema).default([]),
    after: z.array(probeSchema).default([]),
    recoveryTimeout: duration.prefault('60s'),
  }).prefault({}),
  abortConditions: noAbortConditions,
  rollback: closed({ enabled: z.boolean().default(true), timeout: duration.prefault('60s') }).prefault({}),
});

const experiment = closed({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ChaosExperiment'),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().min(1).default('default') }),
  spec,
});

/** An experiment that can be run. Durations are milliseconds. */
export type ChaosExperiment = z.output<typeof experiment>;

/** What an experiment wants. */
export type ExperimentSpec = ChaosExperiment['spec'];

/** Which pods may be hit. */
export type TargetSpec = ExperimentSpec['target'];

/**
 * A document, as YAML or JSON gave it, as an experiment.
 * @throws ChaosError INVALID_ARGUMENT with every problem, those of the action's parameters included.
 */
export function parseExperiment(document: unknown): ChaosExperiment {
  const parsed = experiment.safeParse(document);
  const problems = (parsed.error?.issues ?? []).map(problemOf);
  problems.push(...actionProblems(document));
  if (parsed.data === undefined || problems.length > 0) throw invalidArgument('the experiment', problems);
  return parsed.data;
}

function problemOf(issue: z.core.$ZodIssue): Problem {
  const path = issue.path.length === 0 ? 'the document' : issue.path.join('.');
  if (issue.code === 'custom') {
    const allowed: unknown = issue.params?.['allowed'];
    return { path, wrong: issue.message, allowed: typeof allowed === 'string' ? allowed : SEE };
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return { path, wrong: 'it is required', allowed: issue.expected };
  }
  return {
    path,
    wrong: issue.message,
    allowed: issue.code === 'invalid_value' ? issue.values.map(String).join(', ') : SEE,
  };
}

const SEE = 'see docs/experiments.md';

/** The action's own problems, as far as the document can be read, so that they are named beside all others. */
function actionProblems(document: unknown): Problem[] {
  const loose = z.object({
    spec: z.object({ action: z.object({ type: z.string(), parameters: stringParameters.default({}) }) }),
  });
  const parsed = loose.safeParse(document);
  if (!parsed.success) return [];
  const { type, parameters } = parsed.data.spec.action;
  return collect('spec.action.', () => parseParameters(findAction(type), parameters, { target: 'absent' }));
}

function collect(prefix: string, parse: () => unknown): Problem[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems.map((problem) => ({
      ...problem,
      path: problem.path === 'action' ? `${prefix}type` : `${prefix}${problem.path}`,
    }));
  }
}
