/** The steps of a workflow, understood: templates are in their places, durations are milliseconds. */
import type { ExperimentSpec } from '../experiment/spec.ts';
import type { Probe } from '../probe/probe.ts';
import type { ExpressionScope } from './expression.ts';
import type { ParameterValues } from './parameters.ts';

/** What is done when a step has failed. */
export type Strategy =
  /** The workflow ends: what is in force recovers at once. */
  | { readonly strategy: 'abort' }
  /** The steps that wait for it begin all the same. */
  | { readonly strategy: 'continue' }
  /** It is tried again, up to `limit` times more, and then the workflow ends as with `abort`. */
  | {
      readonly strategy: 'retry';
      readonly limit: number;
      readonly backOffMs: number;
      readonly factor: number;
      readonly mostMs: number;
    }
  /** The workflow ends: what is in force recovers in the reverse order of its beginning, one after the other. */
  | { readonly strategy: 'rollback' };

/** An expression, with all that it may name. */
export interface Question extends ExpressionScope {
  readonly text: string;
  readonly values: ParameterValues;
}

interface Common {
  /** Unique among those beside it. */
  readonly name: string;
  /** The names of those beside it that must be over before it begins. */
  readonly dependencies: readonly string[];
  /** Whether it is done at all. */
  readonly when?: Question;
  readonly onError: Strategy;
}

/** One step. */
export type WorkflowStep = Common &
  (
    | {
        readonly kind: 'experiment';
        readonly experiment: ExperimentSpec;
        /** The same as its document says it, with values in place: what its ChaosExperiment is given. */
        readonly document: unknown;
      }
    | { readonly kind: 'delay'; readonly ms: number }
    | { readonly kind: 'condition'; readonly question: Question }
    | { readonly kind: 'suspend'; readonly timeoutMs?: number }
    | { readonly kind: 'probe'; readonly probe: Probe }
    | { readonly kind: 'parallel' | 'workflow'; readonly steps: readonly WorkflowStep[] }
  );
