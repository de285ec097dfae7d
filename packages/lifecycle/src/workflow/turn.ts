/** What a workflow sees, and what it asks for. Pure. */
import type { NodeId, NodeState, Question, StepResult } from '@chaosplane/api';

/** An experiment of the workflow, as it is seen. */
export type SeenExperiment =
  | { readonly state: 'under way' }
  | {
      readonly state: 'over';
      readonly failed: boolean;
      /** Whether it was aborted. */
      readonly wasEnded: boolean;
      readonly message: string;
      readonly result: StepResult;
    }
  /** A read of the API server has not found it. */
  | { readonly state: 'gone' };

/** What an expression of a step is. */
export type Evaluated = { readonly value: boolean } | { readonly error: string };

/** What a probe has answered. */
export interface ProbeAnswer {
  readonly passed: boolean;
  readonly message: string;
}

/** How much the end of a workflow is wanted: a deletion wants it more than the annotation. */
export type Wish = 'none' | 'abort' | 'delete';

/** What is seen. What is not there was not seen. */
export interface Seen {
  readonly experiments: ReadonlyMap<string, SeenExperiment>;
  readonly answers: ReadonlyMap<string, ProbeAnswer>;
  /** Steps that were resumed. */
  readonly resumed: ReadonlySet<NodeId>;
  readonly wish: Wish;
  evaluate(question: Question, node: NodeId): Evaluated;
}

/** A step and how often it has begun, as one word: what experiments and answers are known by. */
export const attemptOf = (id: NodeId, attempt: number): string => `${id}#${attempt}`;

/** What such a word says. */
export function stepOf(key: string): { readonly id: NodeId; readonly attempt: number } {
  const at = key.lastIndexOf('#');
  return { id: key.slice(0, at), attempt: Number(key.slice(at + 1)) };
}

/** What is to be done. Each may be asked for again, and does nothing more then. */
export type Effect =
  /** Before the state is written. */
  | { readonly kind: 'create'; readonly id: NodeId; readonly attempt: number }
  /** Ends its experiment, which recovers. */
  | { readonly kind: 'end'; readonly id: NodeId; readonly attempt: number }
  /** Reads its experiment, which is not seen. */
  | { readonly kind: 'look'; readonly id: NodeId; readonly attempt: number }
  /** Asks its probe; the answer is seen later. */
  | { readonly kind: 'ask'; readonly id: NodeId; readonly attempt: number };

/** One turn of a workflow: the effects come first, then what has changed is written. */
export interface Turn {
  readonly effects: readonly Effect[];
  /** The steps whose state has changed, in the order in which they are to be written; the whole comes last. */
  readonly changed: ReadonlyMap<NodeId, NodeState>;
  /** Whether the state of the whole has changed. */
  readonly wholeChanged: boolean;
  /** When it is to be looked at again at the latest, if nothing is seen before. */
  readonly until?: number;
}
