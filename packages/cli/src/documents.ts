/** The experiments and workflows of a file: each as the user wrote it, with what the flags change, and understood. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { ChaosError, defined, invalidArgument, parseDuration, type Problem } from '@chaosplane/common';
import {
  parseExperiment,
  parseSchedule,
  parseWorkflow,
  runDocument,
  type ChaosExperiment,
  type ChaosSchedule,
  type ChaosWorkflow,
  type ParameterValues,
  type Place,
} from '@chaosplane/api';
import { shortName } from '@chaosplane/kube';
import * as z from 'zod';
import { metadataProblems } from './manifest/metadata.ts';
import { objectsOf } from './manifest/objects.ts';

/** One experiment of a file. */
export interface ExperimentDocument {
  /** What the user wrote, with the changes of the flags. */
  readonly document: object;
  readonly experiment: ChaosExperiment;
  /** The schedule whose run it is. */
  readonly schedule?: ChaosSchedule;
}

/** One workflow of a file. */
export interface WorkflowDocument {
  readonly document: object;
  readonly workflow: ChaosWorkflow;
  /** The schedule whose run it is. */
  readonly schedule?: ChaosSchedule;
}

/** What flags change of every experiment. */
export interface Changes {
  /** As the user typed it. */
  readonly duration?: string;
  /** The namespace that was asked for: those that name none get it, those that name another are refused. */
  readonly namespace?: string;
  /** For those that name no namespace when none was asked for. */
  readonly defaultNamespace?: string;
  /** Values of the parameters of workflows. */
  readonly parameters?: ParameterValues;
}

/** Flags that change what a file says. */
export interface FileFlags {
  readonly duration?: string;
  readonly namespace?: string;
  /** `NAME=VALUE`, as the user typed it. */
  readonly parameter?: readonly string[];
}

/** What they change. */
export function changesOf({ duration, namespace, parameter = [] }: FileFlags): Changes {
  return { ...defined({ duration, namespace }), parameters: Object.fromEntries(parameter.map(givenParameter)) };
}

function givenParameter(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new ChaosError('INVALID_ARGUMENT', `--parameter ${text}: it gives no value; allowed: NAME=VALUE`);
}

/** Whether a schedule stands for a run of it: one that is to be now, or is only explained. */
export function meansRuns({ now, dryRun }: { readonly now?: boolean; readonly dryRun?: boolean }): {
  readonly takesSchedules: boolean;
} {
  return { takesSchedules: now === true || dryRun === true };
}

/** What a file is read with. */
export interface ReadOptions {
  readonly place: Place;
  readonly changes: Changes;
  /** Whether one run of a schedule is meant, now; otherwise a schedule is refused. */
  readonly takesSchedules?: boolean;
}

/**
 * Reads a YAML or JSON file, `-` for standard input, as kubectl reads it.
 * @throws ChaosError INVALID_ARGUMENT with the problems of the file, those of all its experiments at once.
 */
export async function readDocuments(
  file: string,
  { stdin, ...options }: ReadOptions & { readonly stdin: NodeJS.ReadStream },
): Promise<(ExperimentDocument | WorkflowDocument)[]> {
  const content = file === '-' ? await buffer(stdin) : await readFile(file);
  return parseDocuments(file === '-' ? 'standard input' : file, content, options);
}

/** Whether it is an experiment, be it of a schedule. */
export function isExperiment(document: ExperimentDocument | WorkflowDocument): document is ExperimentDocument {
  return 'experiment' in document;
}

/** The experiments of a file's content. */
export function parseExperiments(...given: Parameters<typeof parseDocuments>): ExperimentDocument[] {
  return parseDocuments(...given).filter(isExperiment);
}

/**
 * The experiments and workflows of a file's content.
 * @throws ChaosError INVALID_ARGUMENT as `readDocuments`.
 */
export function parseDocuments(
  file: string,
  content: Uint8Array,
  { place, changes, takesSchedules = false }: ReadOptions,
): (ExperimentDocument | WorkflowDocument)[] {
  if (changes.duration !== undefined) {
    const parsed = parseDuration(changes.duration);
    if (!parsed.ok) throw new ChaosError('INVALID_ARGUMENT', `--duration: ${parsed.wrong}; allowed: ${parsed.allowed}`);
  }
  const objects = objectsOf(file, content);
  if (objects.length === 0) throw new ChaosError('INVALID_ARGUMENT', `${file} holds no experiment`);
  const problems: Problem[] = [];
  const read = objects.flatMap(({ value, where }): (ExperimentDocument | WorkflowDocument)[] => {
    // One experiment needs no other name.
    const named = (problem: Problem): Problem =>
      objects.length === 1 ? problem : { ...problem, path: `${where}, ${problem.path}` };
    const document = change(value, changes);
    problems.push(...metadataProblems(value, changes.namespace).map(named));
    try {
      return [understood(document, { place, changes, takesSchedules })];
    } catch (error) {
      if (!(error instanceof ChaosError)) throw error;
      problems.push(...error.problems.map(named));
      return [];
    }
  });
  const alone = isOf('ChaosWorkflow', objects[0]?.value ?? {}) ? 'the workflow' : 'the experiment';
  if (problems.length > 0) throw invalidArgument(objects.length === 1 ? alone : file, unique(problems));
  return read;
}

/** An experiment or a workflow as it is; of a schedule, the one that a run of it is. */
function understood(
  document: object,
  { place, changes, takesSchedules }: ReadOptions,
): ExperimentDocument | WorkflowDocument {
  if (isOf('ChaosWorkflow', document)) return readWorkflow(document, place, changes);
  if (!isSchedule(document)) return { document, experiment: parseExperiment(document, place) };
  if (takesSchedules !== true) {
    const wrong = 'a schedule begins its runs by itself, on a cluster';
    throw invalidArgument('the file', [{ path: 'kind', wrong, allowed: 'kubectl apply; or --now: one run, now' }]);
  }
  const schedule = parseSchedule(document, place);
  const run = runDocument(document, `${shortName(schedule.metadata.name, LONGEST_NAME)}-now`) ?? {};
  if (isOf('ChaosWorkflow', run)) return { ...readWorkflow(run, place, changes), schedule };
  return { document: run, experiment: parseExperiment(run, place), schedule };
}

/** A name of Kubernetes, less what is added to it here and by a dry run. */
const LONGEST_NAME = 230;

function readWorkflow(document: object, place: Place, { duration, parameters = {} }: Changes): WorkflowDocument {
  if (duration !== undefined) {
    const wrong = 'the experiments of a workflow have their own';
    throw invalidArgument('the file', [{ path: '--duration', wrong, allowed: 'nothing here' }]);
  }
  const workflow = parseWorkflow(document, place, parameters);
  const { spec = {} } = document as { readonly spec?: object };
  return { document: { ...document, spec: withArguments(spec, parameters) }, workflow };
}

/** The spec of a workflow, which gives its parameters these values. */
function withArguments(spec: { readonly arguments?: unknown }, parameters: ParameterValues = {}): object {
  if (Object.keys(parameters).length === 0) return spec;
  const given = typeof spec.arguments === 'object' ? spec.arguments : {};
  return { ...spec, arguments: { ...given, ...parameters } };
}

const isOf = (kind: string, document: object): boolean => 'kind' in document && document.kind === kind;
const isSchedule = (document: object): boolean => isOf('ChaosSchedule', document);

/** Two looks at one field say what is wrong with it once. */
function unique(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path }) => !path.includes('metadata.') || (!seen.has(path) && seen.add(path)));
}

const parts = z.looseObject({ metadata: z.looseObject({}), spec: z.looseObject({}) });

/** A document without these parts is told what it lacks when it is parsed. */
function change(document: object, changes: Changes): object {
  const parsed = parts.safeParse(document);
  if (!parsed.success) return document;
  const { metadata, spec, ...rest } = parsed.data;
  const own = changes.namespace ?? changes.defaultNamespace;
  return {
    ...rest,
    metadata: { ...defined({ namespace: own }), ...metadata },
    spec: specOf(document, spec, changes),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function specOf(document: object, spec: Fields, changes: Changes): object {
  if (isOf('ChaosWorkflow', document)) return spec;
  return isSchedule(document) ? ofRuns(spec, changes) : { ...spec, ...defined({ duration: changes.duration }) };
}

/** The duration is one of its experiment, the parameters are those of its workflow. */
function ofRuns(spec: Fields, { duration, parameters }: Changes): object {
  const changed = (part: unknown, change: (part: object) => object): unknown =>
    typeof part === 'object' && part !== null ? change(part) : part;
  return {
    ...spec,
    ...defined({
      experiment: changed(spec['experiment'], (part) => ({ ...part, ...defined({ duration }) })),
      workflow: changed(spec['workflow'], (part) => withArguments(part, parameters)),
    }),
  };
}
