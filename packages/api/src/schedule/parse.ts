/** How a document becomes a ChaosSchedule, with every problem named at once. Pure. */
import { ChaosError, invalidArgument, type Problem } from '@chaosplane/common/pure';
import * as z from 'zod';
import { parseExperiment, type Place } from '../experiment/parse.ts';
import type { ExperimentSpec } from '../experiment/spec.ts';
import { namespaceName } from '../shared/names.ts';
import { problemsOf } from '../shared/problems.ts';
import { API_VERSION } from '../shared/version.ts';
import { parseWorkflow, type WorkflowSpec } from '../workflow/parse.ts';
import { scheduleSchema } from './spec.ts';

type Document = z.output<typeof scheduleSchema>;

/** What each run is: one of both. */
type Run =
  | { readonly experiment: ExperimentSpec; readonly workflow?: undefined }
  | { readonly workflow: WorkflowSpec; readonly experiment?: undefined };

/** What a schedule wants. Durations are milliseconds, but for startingDeadlineSeconds. */
export type ScheduleSpec = Omit<Document['spec'], 'experiment' | 'workflow'> & Run;

/** A schedule that can be kept. */
export interface ChaosSchedule extends Pick<Document, 'metadata'> {
  readonly spec: ScheduleSpec;
}

/**
 * A document, as YAML or JSON gave it, as a schedule.
 * @param place Where its runs are.
 * @throws ChaosError INVALID_ARGUMENT with every problem, also those of its experiment or its workflow.
 */
export function parseSchedule(document: unknown, place: Place): ChaosSchedule {
  const parsed = scheduleSchema.safeParse(document, { reportInput: true });
  const problems = (parsed.error?.issues ?? []).flatMap(problemsOf).map(documented);
  const run = readRun(document, place);
  if (Array.isArray(run)) problems.push(...run);
  if (parsed.data === undefined || Array.isArray(run) || problems.length > 0)
    throw invalidArgument('the schedule', problems);
  const { experiment: _experiment, workflow: _workflow, ...spec } = parsed.data.spec;
  return { metadata: parsed.data.metadata, spec: { ...spec, ...run } };
}

/** The page of schedules, where the one of experiments is meant by default. */
const documented = (problem: Problem): Problem => ({
  ...problem,
  allowed: problem.allowed.replace('docs/experiments.md', 'docs/schedules.md'),
});

const list = z.array(z.unknown()).optional().catch(undefined);

const readable = z.looseObject({
  metadata: z.looseObject({ namespace: namespaceName.default('default') }).catch({ namespace: 'default' }),
  spec: z.looseObject({
    experiment: z.unknown().optional(),
    workflow: z.unknown().optional(),
    windows: z.looseObject({ allowed: list, blocked: list }).optional().catch(undefined),
    freeze: list,
  }),
});

/**
 * The experiment or the workflow that a run of the schedule is, as far as it can be read, as a document of its own; a run has a name of
 * its own.
 */
export function runDocument(document: unknown, name = 'run'): object | undefined {
  const { data } = readable.safeParse(document);
  if (data === undefined) return undefined;
  const { experiment, workflow } = data.spec;
  const isWorkflow = workflow !== undefined;
  return {
    apiVersion: API_VERSION,
    kind: isWorkflow ? 'ChaosWorkflow' : 'ChaosExperiment',
    metadata: { name, namespace: data.metadata.namespace },
    spec: isWorkflow ? workflow : experiment,
  };
}

/** What each run is, or what is wrong with it. */
function readRun(document: unknown, place: Place): Run | Problem[] {
  const { data } = readable.safeParse(document);
  // The schema of the schedule says so.
  if (data === undefined) return [];
  const { experiment, workflow } = data.spec;
  if ((experiment === undefined) === (workflow === undefined)) {
    const wrong =
      experiment === undefined ? 'it has neither experiment nor workflow' : 'it has experiment and workflow';
    return [{ path: 'spec', wrong, allowed: 'one of both' }];
  }
  const run = runDocument(document);
  if (workflow === undefined) {
    const read = below('spec.experiment', () => parseExperiment(run, place).spec);
    return Array.isArray(read) ? read : { experiment: read };
  }
  const read = below('spec.workflow', () => parseWorkflow(run, place).spec);
  const endless = isAlwaysOpen(data.spec) ? [] : deadlineProblems(workflow);
  if (Array.isArray(read)) return [...read, ...endless];
  return endless.length > 0 ? endless : { workflow: read };
}

/** What is read, or what is wrong with it, where it stands in the schedule. */
function below<T extends object>(path: string, read: () => T): T | Problem[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems.map((problem) => ({ ...problem, path: problem.path.replace(/^spec/, path) }));
  }
}

/** Whether no window or freeze keeps a run from beginning. */
export function isAlwaysOpen({ windows, freeze }: Openings): boolean {
  return windows?.allowed === undefined && (windows?.blocked ?? []).length + (freeze ?? []).length === 0;
}

/** When runs may be under way. */
interface Openings {
  readonly windows?: Partial<Record<'allowed' | 'blocked', readonly unknown[] | undefined>> | undefined;
  readonly freeze?: readonly unknown[] | undefined;
}

/** Whether it ends within a window cannot be told of a workflow that ends at any time. */
function deadlineProblems(workflow: unknown): Problem[] {
  if (typeof workflow !== 'object' || workflow === null || ('deadline' in workflow && workflow.deadline !== undefined))
    return [];
  const wrong = 'it is required, because windows and freeze are about the whole time that a run may take';
  return [{ path: 'spec.workflow.deadline', wrong, allowed: 'a duration such as 2h; or neither windows nor freeze' }];
}
