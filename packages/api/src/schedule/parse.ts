/** How a document becomes a ChaosSchedule, with every problem named at once. Pure. */
import { ChaosError, invalidArgument, type Problem } from '@chaosplane/common/pure';
import { z } from 'zod';
import { parseExperiment, type Place } from '../experiment/parse.ts';
import type { ExperimentSpec } from '../experiment/spec.ts';
import { namespaceName } from '../shared/names.ts';
import { problemsOf } from '../shared/problems.ts';
import { API_VERSION } from '../shared/version.ts';
import { scheduleSchema } from './spec.ts';

type Document = z.output<typeof scheduleSchema>;

/** What a schedule wants. Durations are milliseconds, but for startingDeadlineSeconds. */
export interface ScheduleSpec extends Omit<Document['spec'], 'experiment'> {
  readonly experiment: ExperimentSpec;
}

/** A schedule that can be kept. */
export interface ChaosSchedule extends Pick<Document, 'metadata'> {
  readonly spec: ScheduleSpec;
}

/**
 * A document, as YAML or JSON gave it, as a schedule.
 * @param place Where its experiments run.
 * @throws ChaosError INVALID_ARGUMENT with every problem, also those of its experiment.
 */
export function parseSchedule(document: unknown, place: Place): ChaosSchedule {
  const parsed = scheduleSchema.safeParse(document, { reportInput: true });
  const problems = (parsed.error?.issues ?? []).flatMap(problemsOf).map(documented);
  const experiment = readExperiment(document, place);
  if (Array.isArray(experiment)) problems.push(...experiment);
  if (parsed.data === undefined || Array.isArray(experiment) || problems.length > 0)
    throw invalidArgument('the schedule', problems);
  const { metadata, spec } = parsed.data;
  return { metadata, spec: { ...spec, experiment } };
}

/** The page of schedules, where the one of experiments is meant by default. */
const documented = (problem: Problem): Problem => ({
  ...problem,
  allowed: problem.allowed.replace('docs/experiments.md', 'docs/schedules.md'),
});

const readable = z.looseObject({
  metadata: z.looseObject({ namespace: namespaceName.default('default') }).catch({ namespace: 'default' }),
  spec: z.looseObject({ experiment: z.unknown().optional() }),
});

/** The experiment that a run of the schedule is, as far as it can be read, as a document of its own; a run has a name of its own. */
export function experimentDocument(document: unknown, name = 'run'): object | undefined {
  const { data } = readable.safeParse(document);
  if (data === undefined) return undefined;
  const { namespace } = data.metadata;
  return {
    apiVersion: API_VERSION,
    kind: 'ChaosExperiment',
    metadata: { name, namespace },
    spec: data.spec.experiment,
  };
}

/** What each run is, or what is wrong with it. */
function readExperiment(document: unknown, place: Place): ExperimentSpec | Problem[] {
  const experiment = experimentDocument(document);
  // The schema of the schedule says so.
  if (experiment === undefined) return [];
  try {
    return parseExperiment(experiment, place).spec;
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems.map((problem) => ({ ...problem, path: problem.path.replace(/^spec/, 'spec.experiment') }));
  }
}
