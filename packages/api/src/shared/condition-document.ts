/** Conditions, as the status of an object has them. */
import { defined } from '@chaosplane/common/pure';
import * as z from 'zod';
import type { ConditionOf, Reasons } from './condition.ts';

/** A time, RFC 3339. */
export const time = z.string().max(64);

export const conditionDocuments = z.array(
  z.object({
    type: z.string().describe('What it says something about.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
    reason: z.string().describe('Why, in one word, for programs.'),
    message: z.string().describe('Why, for people.'),
    lastTransitionTime: time.describe('When its status changed last.'),
    observedGeneration: z.int().optional().describe('The generation of the spec that it is about.'),
  }),
);

/** Conditions, as they are written. */
export type ConditionDocuments = z.output<typeof conditionDocuments>;

/** A condition without what is written with it. */
type Told = Omit<ConditionDocuments[number], 'lastTransitionTime' | 'observedGeneration'>;

/** Conditions, to be written at a time, RFC 3339. They keep the time of their last change from `previous`. */
export function writtenConditions(
  conditions: readonly Readonly<Told>[],
  {
    previous = [],
    generation,
    now,
  }: {
    readonly previous: ConditionDocuments | undefined;
    readonly generation: number | undefined;
    readonly now: string;
  },
): ConditionDocuments {
  return conditions.map((condition) => {
    const before = previous.find(({ type }) => type === condition.type);
    const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : now;
    return { ...condition, lastTransitionTime, ...defined({ observedGeneration: generation }) };
  });
}

/** The conditions of a kind with these reasons that were written; others are made from its state again when it is written. */
export function readConditions<Kind extends Reasons>(
  documents: ConditionDocuments = [],
  reasons: Kind,
): readonly ConditionOf<Kind>[] {
  return documents
    .filter(({ type }) => Object.hasOwn(reasons, type))
    .map(
      ({ lastTransitionTime: _time, observedGeneration: _generation, ...condition }) => condition as ConditionOf<Kind>,
    );
}
