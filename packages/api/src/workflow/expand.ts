/** Puts the templates of a workflow in the places of its steps, with all that is wrong on the way. Pure. */
import { nearest } from '@chaosplane/actions';
import { ChaosError, defined, type Problem } from '@chaosplane/common/pure';
import { parseExperiment, type Place } from '../experiment/parse.ts';
import type { ExperimentSpec } from '../experiment/spec.ts';
import { API_VERSION } from '../shared/version.ts';
import { circleOf } from './circle.ts';
import { compileExpression } from './expression.ts';
import { bindParameters, fill, type ParameterValues } from './parameters.ts';
import { MOST_DEPTH, MOST_STEPS, templateKinds, type ParameterSpec, type StepSpec, type TemplateSpec } from './spec.ts';
import type { Question, Strategy, WorkflowStep } from './step.ts';

/** What all steps of a workflow share. */
export interface Expanding {
  readonly templates: readonly TemplateSpec[];
  readonly namespace: string;
  readonly place: Place;
  /** What is wrong, by its text: a template that is used twice is told of once. */
  readonly problems: Map<string, Problem>;
  /** How many steps there are by now. */
  steps: number;
}

/** Where steps stand. */
export interface Where {
  /** `spec.steps`. */
  readonly path: string;
  readonly values: ParameterValues;
  readonly parameters: readonly ParameterSpec[];
  /** The steps around them that are over when they begin, and may be named. */
  readonly sees: readonly string[];
  /** The templates that they are a part of, from without. */
  readonly within: readonly string[];
  readonly onError: Strategy;
  readonly isExit: boolean;
}

/** Steps, as far as they can be understood; what is wrong is added to `problems`. */
export function expandSteps(expanding: Expanding, steps: readonly StepSpec[], where: Where): WorkflowStep[] {
  checkNames(expanding, steps, where);
  return steps.flatMap((step, index) => {
    const sees = [...new Set([...before(steps, step), ...where.sees])];
    return expandStep(expanding, step, { ...where, sees, path: `${where.path}.${index}` });
  });
}

export function refuse({ problems }: Pick<Expanding, 'problems'>, ...found: readonly Problem[]): void {
  for (const problem of found) problems.set(JSON.stringify(problem), problem);
}

/** The names of all that a step waits for. */
function before(steps: readonly StepSpec[], step: StepSpec, known = new Set<string>()): ReadonlySet<string> {
  for (const name of step.dependencies) {
    if (known.has(name)) continue;
    known.add(name);
    const other = steps.find((one) => one.name === name);
    if (other !== undefined) before(steps, other, known);
  }
  return known;
}

/** An expression that is understood where it stands; undefined where it is not. */
function questionOf(expanding: Expanding, text: string, path: string, where: Where): Question | undefined {
  const parameters = where.parameters.map(({ name, type }) => ({ name, type }));
  const question = { text, steps: where.sees, parameters, values: where.values };
  const compiled = compileExpression(text, question);
  if ('evaluate' in compiled) return question;
  const names = [
    ...question.steps.map((name) => `steps.${name}`),
    ...parameters.map(({ name }) => `parameters.${name}`),
  ];
  const allowed = `CEL that is true or false; it may name ${names.join(', ') || 'nothing: no step is over before it'}`;
  refuse(expanding, { path, wrong: `column ${compiled.column}: ${compiled.wrong}`, allowed });
  return undefined;
}

/** Names are unique, and dependencies lead to others and in no circle. */
function checkNames(expanding: Expanding, steps: readonly StepSpec[], { path }: Where): void {
  const names = steps.map(({ name }) => name);
  steps.forEach(({ name, dependencies }, index) => {
    if (names.indexOf(name) !== index) {
      const wrong = `there is a step ${name} already`;
      refuse(expanding, { path: `${path}.${index}.name`, wrong, allowed: 'another name' });
    }
    dependencies.forEach((before, at) => {
      const others = [...new Set(names)].filter((one) => one !== name);
      if (others.includes(before)) return;
      const near = nearest(before, others);
      const meant = near === undefined ? '' : `; did you mean ${near}?`;
      const wrong = before === name ? 'a step cannot wait for itself' : `there is no step ${before} beside it${meant}`;
      const allowed = others.join(', ') || 'none: there is no other step';
      refuse(expanding, { path: `${path}.${index}.dependencies.${at}`, wrong, allowed });
    });
  });
  const circle = circleOf(steps);
  if (circle === undefined || circle.length < 2) return;
  const wrong = `steps wait for each other: ${[...circle, circle[0]].join(' → ')}`;
  refuse(expanding, { path, wrong, allowed: 'dependencies without a circle' });
}

function expandStep(expanding: Expanding, step: StepSpec, where: Where): WorkflowStep[] {
  const { templates } = expanding;
  const { path, within } = where;
  const index = templates.findIndex(({ name }) => name === step.template);
  const template = templates[index];
  if (template === undefined) {
    const names = templates.map(({ name }) => name);
    const near = nearest(step.template, names);
    const wrong = `there is no template ${step.template}${near === undefined ? '' : `; did you mean ${near}?`}`;
    refuse(expanding, { path: `${path}.template`, wrong, allowed: names.join(', ') });
    return [];
  }
  if (within.includes(template.name)) {
    const wrong = `the template is a part of itself: ${[...within, template.name].join(' → ')}`;
    refuse(expanding, { path: `${path}.template`, wrong, allowed: 'another template' });
    return [];
  }
  if (within.length >= MOST_DEPTH) {
    const wrong = `templates are within each other more than ${MOST_DEPTH} deep: ${[...within, template.name].join(' → ')}`;
    refuse(expanding, { path: `${path}.template`, wrong, allowed: `at most ${MOST_DEPTH}` });
    return [];
  }
  expanding.steps += 1;
  if (expanding.steps > MOST_STEPS) {
    const wrong = `with those of its templates there are more than ${MOST_STEPS} steps`;
    refuse(expanding, { path: 'spec.steps', wrong, allowed: `at most ${MOST_STEPS}` });
    return [];
  }
  const passed = fill(step.arguments, where.values, `${path}.arguments`);
  const bound = bindParameters(template.parameters, passed.value, `${path}.arguments`);
  refuse(expanding, ...passed.problems, ...bound.problems);
  if (passed.problems.length + bound.problems.length > 0) return [];
  const onError = strategyOf(step, where.onError);
  const when = step.when === undefined ? undefined : questionOf(expanding, step.when, `${path}.when`, where);
  const common = { name: step.name, dependencies: step.dependencies, onError, ...defined({ when }) };
  const given = { values: bound.values, parameters: template.parameters };
  const inside = { ...where, ...given, onError, within: [...within, template.name] };
  const what = bodyOf(expanding, template, { ...inside, path: `spec.templates.${index}` }, path);
  return what === undefined ? [] : [{ ...common, ...what }];
}

type Body = WorkflowStep extends infer Step
  ? Step extends WorkflowStep
    ? Omit<Step, 'name' | 'dependencies' | 'when' | 'onError'>
    : never
  : never;

/** What the template does; its own values are in place. */
function bodyOf(expanding: Expanding, template: TemplateSpec, where: Where, usedAt: string): Body | undefined {
  const kind = templateKinds.find((one) => template[one] !== undefined);
  const { path, values, isExit } = where;
  switch (kind) {
    case undefined:
      return undefined;
    case 'experiment': {
      const { value, problems } = fill(template.experiment, values, `${path}.experiment`);
      refuse(expanding, ...problems);
      const experiment = problems.length > 0 ? undefined : readExperiment(expanding, value, `${path}.experiment`);
      return experiment === undefined ? undefined : { kind, experiment, document: value };
    }
    case 'workflow':
    case 'parallel': {
      const parts = template[kind]?.steps ?? [];
      return { kind, steps: expandSteps(expanding, parts, { ...where, path: `${path}.${kind}.steps` }) };
    }
    case 'delay':
      return { kind, ms: template.delay ?? 0 };
    case 'condition': {
      const question = questionOf(expanding, template.condition ?? '', `${path}.condition`, where);
      return question === undefined ? undefined : { kind, question };
    }
    case 'suspend': {
      const timeout = template.suspend?.timeout;
      if (isExit && timeout === undefined) {
        const wrong = 'what is done at the exit would never be over';
        refuse(expanding, { path: usedAt, wrong, allowed: 'a template whose suspend has a timeout' });
      }
      return { kind, ...defined({ timeoutMs: timeout }) };
    }
    case 'probe':
      return template.probe === undefined ? undefined : { kind, probe: template.probe };
  }
}

function readExperiment(expanding: Expanding, spec: unknown, path: string): ExperimentSpec | undefined {
  const { namespace, place } = expanding;
  const document = { apiVersion: API_VERSION, kind: 'ChaosExperiment', metadata: { name: 'step', namespace }, spec };
  try {
    return parseExperiment(document, place).spec;
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    refuse(expanding, ...error.problems.map((problem) => ({ ...problem, path: problem.path.replace(/^spec/, path) })));
    return undefined;
  }
}

function strategyOf({ errorHandling }: StepSpec, inherited: Strategy): Strategy {
  if (errorHandling === undefined) return inherited;
  const { strategy, limit, backOff, factor, maxBackOff } = errorHandling;
  if (strategy !== 'retry') return { strategy };
  return { strategy, limit, backOffMs: backOff, factor, mostMs: maxBackOff };
}
