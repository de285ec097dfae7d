/** What policies ask of an experiment: who is hit, by what, and for how long. */
import { knownAction } from '@chaosplane/actions';
import * as z from 'zod';
import { namespaceName } from '../shared/names.ts';
import { withoutCrowd } from './crowd.ts';
import { experimentSpecSchema, namespaceOf, type ExperimentSpec } from './spec.ts';

/** That part of what an experiment wants. */
export type AskedSpec = Pick<ExperimentSpec, 'target' | 'action' | 'duration'>;

const { target, duration } = experimentSpecSchema.shape;

const schema = z.object({
  metadata: z.object({ namespace: namespaceName.default('default') }),
  spec: z.object({
    target,
    action: z.object({
      type: z.string().refine((type) => knownAction(type) !== undefined),
      parameters: z.record(z.string(), z.unknown()).catch({}),
    }),
    duration,
  }),
});

/** Reads that part, also of a document with other faults; undefined when the part itself is not valid. */
export function readAsked(document: unknown): AskedSpec | undefined {
  const { data } = schema.safeParse(withoutCrowd(document).document);
  if (data === undefined) return undefined;
  const { metadata, spec } = data;
  const texts = Object.entries(spec.action.parameters).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return {
    target: { ...spec.target, namespace: namespaceOf(spec.target, metadata.namespace) },
    action: { type: spec.action.type, parameters: Object.fromEntries(texts) },
    duration: spec.duration,
  };
}
