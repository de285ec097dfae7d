/** The state of a workflow as Kubernetes keeps it: the schemas of the status and of a shard, and the way there and back. Pure. */
import { defined } from '@chaosplane/common/pure';
import * as z from 'zod';
import { verdicts, type Verdict } from '../experiment/status.ts';
import { conditionDocuments, time, writtenConditions } from '../shared/condition-document.ts';
import { gitopsConditionsOfPhase, gitopsConditionTypes } from '../shared/gitops.ts';
import type { ConditionOf } from '../shared/condition.ts';
import { workflowReasons } from './reasons.ts';
import { MOST_STEPS } from './spec.ts';
import { isWorkflowOver, type NodeState, type WorkflowState } from './status.ts';

/** Steps in one shard at most: together they are below 100 KB. */
export const SHARD_STEPS = 50;

/** How long what is told of a step may be in its shard, and in its line of the status; and of the whole, five times. Characters. */
const LONGEST_MESSAGE = 512;
const LONGEST_LINE = 120;
const LONGEST_OUTCOME = 2048;

const nodePhase = z.enum(['Pending', 'Running', 'Waiting', 'Succeeded', 'Failed', 'Skipped', 'Aborted']);

const step = z.object({
  id: z.string().describe('Where it stands in the workflow: both/slow.'),
  phase: nodePhase.describe('Where it is.'),
  attempt: z.int().describe('How often it has begun.'),
  startedAt: time.optional().describe('When it began last.'),
  endedAt: time.optional().describe('When it was over.'),
  retryAt: time.optional().describe('When it is tried again.'),
  message: z.string().optional().describe('Why it is so.'),
  result: z
    .object({
      verdict: z.enum(verdicts).optional().describe('Of its experiment.'),
      value: z.boolean().optional().describe('Of a condition.'),
      measured: z
        .record(z.string(), z.number())
        .optional()
        .describe('By the samples of its experiment: percent, and milliseconds.'),
    })
    .optional()
    .describe('What expressions find of it.'),
  asked: z.int().optional().describe('The attempt whose experiment was made.'),
  isEnded: z.boolean().optional().describe('Of onExit: it is to end.'),
  isCut: z.boolean().optional().describe('The steps that depend on it are skipped.'),
});

const counts = z.object({
  steps: z.int().describe('Steps in all, with those of templates.'),
  begun: z.int().describe('Of which something is written down.'),
  running: z.int().describe('Under way, or waiting to be tried again.'),
  succeeded: z.int().describe('Did what they should.'),
  failed: z.int().describe('Did not.'),
  skipped: z.int().describe('Were not done, by an expression.'),
  aborted: z.int().describe('Were ended before they were over.'),
});

/** The status of a ChaosWorkflow. Times are RFC 3339. */
export const workflowStatusSchema = z.object({
  observedGeneration: z.int().optional().describe('The generation of the spec that this is about.'),
  phase: z
    .enum(['Pending', 'Running', 'Ending', 'Exiting', 'Completed', 'Failed', 'Aborted'])
    .optional()
    .describe('Where the workflow is. Ending: what is in force recovers; Exiting: the steps of onExit are done.'),
  message: z.string().optional().describe('Why it is there.'),
  verdict: z.enum(verdicts).optional().describe('The worst one of its experiments.'),
  startedAt: time.optional().describe('When it began.'),
  endedAt: time.optional().describe('When it was over.'),
  outcome: z
    .object({
      phase: z.enum(['Completed', 'Failed', 'Aborted']).describe('The last phase.'),
      message: z.string().describe('Why it ends in that way.'),
      order: z.enum(['at once', 'reverse']).describe('How what is in force recovers.'),
    })
    .optional()
    .describe('How it will end, once it has.'),
  wish: z.enum(['none', 'abort', 'delete']).optional().describe('The strongest wish for its end that was heeded.'),
  progress: z.string().optional().describe('How many of its steps are over: 3/12.'),
  counts: counts.optional().describe('How many steps are where.'),
  steps: z
    .array(z.string())
    .max(MOST_STEPS + 1)
    .optional()
    .describe('A line for each step: what it does, and how it is. Its shards have the details.'),
  conditions: conditionDocuments
    .optional()
    .describe(`What is known of it: ${[...gitopsConditionTypes, ...Object.keys(workflowReasons)].join(', ')}.`),
});

/** The steps of a ChaosWorkflowShard. */
export const workflowShardSchema = z.object({
  steps: z
    .array(step)
    .max(SHARD_STEPS)
    .describe('Steps of the workflow that owns this shard, which have begun or are over.'),
});

/** The status of a ChaosWorkflow, as it is written. */
export type WorkflowStatusDocument = z.output<typeof workflowStatusSchema>;

/** One step, as it is written. */
export type StepDocument = z.output<typeof step>;

const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());
const cut = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
const at = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

/** One step, to be written. */
export function stepDocument(id: string, state: NodeState): StepDocument {
  const { startedAt, endedAt, retryAt, message, result, ...rest } = state;
  const { measured, ...told } = result ?? {};
  return {
    id,
    ...rest,
    ...defined({
      ...{ startedAt: iso(startedAt), endedAt: iso(endedAt), retryAt: iso(retryAt) },
      message: message === undefined ? undefined : cut(message, LONGEST_MESSAGE),
      result: result && { ...told, ...defined({ measured: measured && { ...measured } }) },
    }),
  };
}

/** The step that was written. */
export function stepFrom(document: StepDocument): NodeState {
  const { id: _id, startedAt, endedAt, retryAt, isEnded, isCut, result, ...rest } = document;
  return {
    ...(defined(rest) as Pick<NodeState, 'phase' | 'attempt'>),
    ...defined({
      ...{ startedAt: at(startedAt), endedAt: at(endedAt), retryAt: at(retryAt) },
      result: result && defined(result),
      isEnded: isEnded === true ? (true as const) : undefined,
      isCut: isCut === true ? (true as const) : undefined,
    }),
  };
}

/** What a status is written with. */
export interface WorkflowWriteContext {
  readonly generation: number;
  readonly previous: WorkflowStatusDocument | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Steps in all. */
  readonly steps: number;
  /** A line for each. */
  readonly lines: readonly string[];
  readonly verdict: Verdict | undefined;
  /** Why it failed without having begun. */
  readonly reason?: 'InvalidSpec' | 'PolicyDenied' | 'StepsLost' | undefined;
  /** What is told of the steps as it was, where they are not known any more. */
  readonly kept?: Pick<WorkflowStatusDocument, 'progress' | 'counts'>;
}

/** The status, to be written. Conditions keep the time of their last change from `previous`. */
export function workflowStatusDocument(whole: WorkflowState, context: WorkflowWriteContext): WorkflowStatusDocument {
  const message = cut(whole.outcome?.message ?? '', LONGEST_OUTCOME);
  const state = { ...whole, ...defined({ outcome: whole.outcome && { ...whole.outcome, message } }) };
  const { generation, previous, now, steps, lines, verdict } = context;
  const { phase, startedAt, endedAt, outcome, wish, nodes } = state;
  const all = [...nodes.values()];
  const count = (...phases: readonly NodeState['phase'][]): number =>
    all.filter((node) => phases.includes(node.phase)).length;
  const over = count('Succeeded', 'Failed', 'Skipped', 'Aborted');
  return {
    observedGeneration: generation,
    phase,
    ...defined({
      message: outcome?.message,
      verdict,
      startedAt: iso(startedAt),
      endedAt: iso(endedAt),
      outcome: outcome && { ...outcome },
      wish,
    }),
    progress: `${over}/${steps}`,
    counts: {
      steps,
      begun: all.length,
      running: count('Running', 'Waiting'),
      ...{ succeeded: count('Succeeded'), failed: count('Failed') },
      ...{ skipped: count('Skipped'), aborted: count('Aborted') },
    },
    ...context.kept,
    steps: lines.map((line) => cut(line, LONGEST_LINE)),
    conditions: writtenConditions(
      [...gitopsConditionsOfPhase({ phase, verdict, message: outcome?.message }), ...conditionsOf(state, context)],
      { previous: previous?.conditions, generation, now: iso(now) ?? '' },
    ),
  };
}

function conditionsOf(state: WorkflowState, { reason }: WorkflowWriteContext): ConditionOf<typeof workflowReasons>[] {
  if (!isWorkflowOver(state)) return [];
  const message = state.outcome?.message ?? '';
  if (state.phase === 'Completed') return [{ type: 'Complete', status: 'True', reason: 'Completed', message }];
  const why = reason ?? (state.phase === 'Aborted' ? 'Aborted' : 'Failed');
  return [{ type: 'Failed', status: 'True', reason: why, message }];
}

/** The state that was written: that of the status, with the steps of all shards. */
export function workflowStateFrom(
  document: WorkflowStatusDocument | undefined,
  shards: readonly (readonly StepDocument[])[],
): WorkflowState {
  const { phase = 'Pending', startedAt, endedAt, outcome, wish } = document ?? {};
  return {
    phase,
    nodes: new Map(shards.flat().map((one) => [one.id, stepFrom(one)])),
    ...defined({ startedAt: at(startedAt), endedAt: at(endedAt), outcome, wish }),
  };
}
