/** The experiments of a file: each as the user wrote it, with what the flags change, and understood. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { ChaosError, defined, invalidArgument, parseDuration, type Problem } from '@chaosplane/common';
import { parseExperiment, type ChaosExperiment, type Place } from '@chaosplane/api';
import { z } from 'zod';
import { metadataProblems } from './manifest/metadata.ts';
import { objectsOf } from './manifest/objects.ts';

/** One experiment of a file. */
export interface ExperimentDocument {
  /** What the user wrote, with the changes of the flags. */
  readonly document: object;
  readonly experiment: ChaosExperiment;
}

/** What flags change of every experiment. */
export interface Changes {
  /** As the user typed it. */
  readonly duration?: string;
  /** The namespace that was asked for: those that name none get it, those that name another are refused. */
  readonly namespace?: string;
  /** For those that name no namespace when none was asked for. */
  readonly defaultNamespace?: string;
}

/** Flags that change what a file says. */
export interface FileFlags {
  readonly duration?: string;
  readonly namespace?: string;
}

/** What they change. */
export function changesOf({ duration, namespace }: FileFlags): Changes {
  return { ...defined({ duration, namespace }) };
}

/** What a file is read with. */
export interface ReadOptions {
  readonly place: Place;
  readonly changes: Changes;
}

/**
 * Reads a YAML or JSON file, `-` for standard input, as kubectl reads it.
 * @throws ChaosError INVALID_ARGUMENT with the problems of the file, those of all its experiments at once.
 */
export async function readExperiments(
  file: string,
  { stdin, ...options }: ReadOptions & { readonly stdin: NodeJS.ReadStream },
): Promise<ExperimentDocument[]> {
  const content = file === '-' ? await buffer(stdin) : await readFile(file);
  return parseExperiments(file === '-' ? 'standard input' : file, content, options);
}

/**
 * The experiments of a file's content.
 * @throws ChaosError INVALID_ARGUMENT as `readExperiments`.
 */
export function parseExperiments(
  file: string,
  content: Uint8Array,
  { place, changes }: ReadOptions,
): ExperimentDocument[] {
  if (changes.duration !== undefined) {
    const parsed = parseDuration(changes.duration);
    if (!parsed.ok) throw new ChaosError('INVALID_ARGUMENT', `--duration: ${parsed.wrong}; allowed: ${parsed.allowed}`);
  }
  const objects = objectsOf(file, content);
  if (objects.length === 0) throw new ChaosError('INVALID_ARGUMENT', `${file} holds no experiment`);
  const problems: Problem[] = [];
  const experiments = objects.flatMap(({ value, where }): ExperimentDocument[] => {
    // One experiment needs no other name.
    const named = (problem: Problem): Problem =>
      objects.length === 1 ? problem : { ...problem, path: `${where}, ${problem.path}` };
    const document = change(value, changes);
    problems.push(...metadataProblems(value, changes.namespace).map(named));
    try {
      return [{ document, experiment: parseExperiment(document, place) }];
    } catch (error) {
      if (!(error instanceof ChaosError)) throw error;
      problems.push(...error.problems.map(named));
      return [];
    }
  });
  if (problems.length > 0) throw invalidArgument(objects.length === 1 ? 'the experiment' : file, unique(problems));
  return experiments;
}

/** Two looks at one field say what is wrong with it once. */
function unique(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path }) => !path.includes('metadata.') || (!seen.has(path) && seen.add(path)));
}

const parts = z.looseObject({ metadata: z.looseObject({}), spec: z.looseObject({}) });

/** A document without these parts is told what it lacks when it is parsed. */
function change(document: object, { duration, namespace, defaultNamespace }: Changes): object {
  const parsed = parts.safeParse(document);
  if (!parsed.success) return document;
  const { metadata, spec, ...rest } = parsed.data;
  const own = namespace ?? defaultNamespace;
  return {
    ...rest,
    metadata: { ...defined({ namespace: own }), ...metadata },
    spec: { ...spec, ...defined({ duration }) },
  };
}
