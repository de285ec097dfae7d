/** How a document becomes a ChaosWorkflow, with every problem named at once. Pure. */
import { invalidArgument, type Problem } from '@chaosplane/common/pure';
import type { Place } from '../experiment/parse.ts';
import { problemsOf } from '../shared/problems.ts';
import { expandSteps, refuse, type Expanding } from './expand.ts';
import { parametersAsked } from './literal.ts';
import { bindParameters, type ParameterValues } from './parameters.ts';
import { MOST_SPEC, workflowSchema, type WorkflowDocument } from './spec.ts';
import type { WorkflowStep } from './step.ts';

/** What a workflow wants: its templates are in the places of its steps. */
export interface WorkflowSpec {
  readonly steps: readonly WorkflowStep[];
  readonly onExit: readonly WorkflowStep[];
  readonly maxParallelism: number;
  /** Milliseconds. */
  readonly deadline: number | undefined;
  readonly parameters: ParameterValues;
}

/** A workflow that can be carried out. */
export interface ChaosWorkflow extends Pick<WorkflowDocument, 'metadata'> {
  readonly spec: WorkflowSpec;
}

/**
 * A document, as YAML or JSON gave it, as a workflow.
 * @param place Where it runs.
 * @param given Values of its parameters, which stand above those in the document.
 * @throws ChaosError INVALID_ARGUMENT with every problem, also those of its experiments.
 */
export function parseWorkflow(document: unknown, place: Place, given: ParameterValues = {}): ChaosWorkflow {
  const parsed = workflowSchema.safeParse(document, { reportInput: true });
  if (parsed.data === undefined) {
    throw invalidArgument('the workflow', parsed.error.issues.flatMap(problemsOf).map(documented));
  }
  const { metadata, spec } = parsed.data;
  const problems = new Map<string, Problem>();
  refuse({ problems }, ...tooLarge(document));
  // Used or not: the API server refuses them all.
  spec.templates.forEach(({ experiment }, index) =>
    refuse({ problems }, ...parametersAsked(experiment, `spec.templates.${index}.experiment`)),
  );
  const bound = bindParameters(spec.parameters, { ...spec.arguments, ...given }, 'spec.arguments');
  refuse({ problems }, ...bound.problems);
  const expanding: Expanding = {
    ...{ templates: spec.templates, namespace: metadata.namespace, place, problems, steps: 0 },
  };
  const own = { values: bound.values, parameters: spec.parameters };
  const where = { ...own, within: [], onError: { strategy: 'abort' } } as const;
  const steps = expandSteps(expanding, spec.steps, { ...where, path: 'spec.steps', sees: [], isExit: false });
  const sees = spec.steps.map(({ name }) => name);
  const onExit = expandSteps(expanding, spec.onExit, { ...where, path: 'spec.onExit', sees, isExit: true });
  if (problems.size > 0) throw invalidArgument('the workflow', [...problems.values()]);
  const { execution, deadline } = spec;
  return {
    metadata,
    spec: { steps, onExit, maxParallelism: execution.maxParallelism, deadline, parameters: bound.values },
  };
}

/** An object has an end: what is written of each step belongs to it, too. */
function tooLarge(document: unknown): readonly Problem[] {
  const { spec } = document as { readonly spec: unknown };
  const bytes = new TextEncoder().encode(JSON.stringify(spec)).length;
  if (bytes <= MOST_SPEC) return [];
  const kib = (count: number): string => `${Math.ceil(count / 1024)} KiB`;
  return [{ path: 'spec', wrong: `it has ${kib(bytes)}`, allowed: `at most ${kib(MOST_SPEC)}` }];
}

/** The page of workflows, where the one of experiments is meant by default. */
const documented = (problem: Problem): Problem => ({
  ...problem,
  allowed: problem.allowed.replace('docs/experiments.md', 'docs/workflows.md'),
});
