/** The experiments of a file: each as the user wrote it, with what the flags change, and understood. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { ChaosError, parseDuration } from '@chaosplane/common';
import { parseExperiment, type ChaosExperiment, type Place } from '@chaosplane/experiment';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

/** One document of a file. */
export interface ExperimentDocument {
  /** What the user wrote, with the changes of the flags. */
  readonly document: object;
  readonly experiment: ChaosExperiment;
}

/** What flags change of every experiment. */
export interface Changes {
  /** As the user typed it. */
  readonly duration?: string;
  /** For those that name no namespace. */
  readonly namespace?: string;
}

/**
 * Reads a YAML or JSON file, `-` for standard input.
 * @throws ChaosError INVALID_ARGUMENT with the problems of the file.
 */
export async function readExperiments(
  file: string,
  { place, stdin, changes }: { readonly place: Place; readonly stdin: NodeJS.ReadStream; readonly changes: Changes },
): Promise<ExperimentDocument[]> {
  const content = file === '-' ? await text(stdin) : await readFile(file, 'utf8');
  const documents = parseAllDocuments(content);
  if (!('length' in documents) || documents.length === 0)
    throw new ChaosError('INVALID_ARGUMENT', `${file} holds no document`);
  if (changes.duration !== undefined) {
    const parsed = parseDuration(changes.duration);
    if (!parsed.ok) throw new ChaosError('INVALID_ARGUMENT', `--duration: ${parsed.wrong}; allowed: ${parsed.allowed}`);
  }
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new ChaosError('INVALID_ARGUMENT', `${file} is not YAML: ${error.message}`);
    const changed = change(document.toJS({ maxAliasCount: 100 }), changes);
    return { document: changed as object, experiment: parseExperiment(changed, place) };
  });
}

const shape = z.looseObject({ metadata: z.looseObject({}), spec: z.looseObject({}) });

/** A document without these parts is told what it lacks when it is parsed. */
function change(document: unknown, { duration, namespace }: Changes): unknown {
  const parsed = shape.safeParse(document);
  if (!parsed.success) return document;
  const { metadata, spec, ...rest } = parsed.data;
  return {
    ...rest,
    metadata: { ...(namespace === undefined ? {} : { namespace }), ...metadata },
    spec: { ...spec, ...(duration === undefined ? {} : { duration }) },
  };
}
