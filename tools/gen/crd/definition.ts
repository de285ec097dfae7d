/** A kind, as its resource definition is made; and what several kinds say beside their zod schemas. */
import type * as z from 'zod';
import type { Addition } from './place.ts';

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  /** Shown with `-o wide` only. */
  readonly wide?: true;
}

/** A kind of resource. */
export interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly scope: 'Namespaced' | 'Cluster';
  readonly description: string;
  /** Everything beside apiVersion, kind and metadata. With a `status`, it gets the status subresource. */
  readonly schema: z.ZodObject;
  readonly additions: readonly Addition[];
  readonly columns: readonly Column[];
}

/** The text of Go's durations that packages/common reads; the order of its units. */
const DURATION =
  "self.matches('^([0-9]+([.][0-9]+)?h)?([0-9]+([.][0-9]+)?m)?([0-9]+([.][0-9]+)?s)?([0-9]+([.][0-9]+)?ms)?([0-9]+([.][0-9]+)?us)?$')";

export const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** A rule in CEL at its place. */
export function rule(at: string, message: string, cel: string): Addition {
  return { at, add: { 'x-kubernetes-validations': [{ rule: cel, message }] } };
}

/** At the root, because only there the status is in sight; people are pointed to the spec. */
export function changeRule(message: string, cel: string): Addition {
  const validation = { rule: cel, message, fieldPath: '.spec', reason: 'FieldValueForbidden' } as const;
  return { at: '', add: { 'x-kubernetes-validations': [validation] } };
}

/** A duration: its text is bounded, or the API server could not bound the cost of its rule. */
export function durationRule(at: string, message: string, ...limits: string[]): Addition[] {
  return [{ at, add: { maxLength: 64 } }, rule(at, message, ['size(self) > 0', DURATION, ...limits].join(' && '))];
}

/** Conditions are told apart by their type. */
export const listOfConditions: Addition = {
  at: 'status.conditions',
  add: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
};
