/** The status as Kubernetes keeps it: the schemas of the status and of a shard, and the way there and back. Pure. */
import { defined } from '@chaosplane/common/pure';
import * as z from 'zod';
import { conditionDocuments, readConditions, time, writtenConditions } from '../shared/condition-document.ts';
import { gitopsConditionsOfPhase, gitopsConditionTypes } from '../shared/gitops.ts';
import { experimentReasons } from './reasons.ts';
import { probeSamplesSchema, samplesDocument, samplesFrom } from './samples-document.ts';
import { verdicts, type ExperimentStatus, type TargetStatus } from './status.ts';

/** Targets that the status itself shows; all of them are in the shards. */
export const SHOWN_TARGETS = 100;

/** Targets in one shard at most: 500 of them are about 100 KB. */
export const SHARD_TARGETS = 500;

const phase = z.enum([
  'Pending',
  'SteadyStateChecking',
  'Running',
  'Completing',
  'Recovering',
  'Completed',
  'Failed',
  'Aborted',
]);

const evidence = z.object({
  verdict: z.enum(['Verified', 'NoTraffic', 'NotObserved', 'Unknown']).describe('Whether the fault took effect.'),
  engine: z.string().describe('What carried the fault out.'),
  summary: z.string().describe('What was measured, in one sentence.'),
  counters: z.record(z.string(), z.int()).describe('Counters by name.'),
  notes: z.array(z.string()).describe('What one has to know to trust the numbers.'),
});

const target = z.object({
  namespace: z.string().describe('The namespace of the pod. Empty for a node.'),
  name: z.string().describe('The name of the pod or node.'),
  uid: z.string().describe('Tells it from a later one of its name.'),
  node: z.string().optional().describe('The node that it runs on, or is.'),
  bootId: z.string().optional().describe('The boot of the node that was chosen.'),
  state: z.enum(['Selected', 'Injected', 'Missed', 'Recovered']).describe('Where the target stands.'),
  executionId: z.string().optional().describe('The execution on the node.'),
  injectedAt: time.optional().describe('When it was injected.'),
  expiresAt: time.optional().describe('When the node ends it at the latest.'),
  message: z.string().optional().describe('Why it was missed.'),
  endedEarly: z.string().optional().describe('Why it ended before the experiment did.'),
  evidence: evidence.optional().describe('What was measured.'),
  inForceMs: z.int().optional().describe('How long its fault was in force, by the clock of its node, in milliseconds.'),
});

/** The status of a ChaosExperiment. Times are RFC 3339. */
export const experimentStatusSchema = z.object({
  observedGeneration: z.int().optional().describe('The generation of the spec that this is about.'),
  phase: phase.optional().describe('Where the experiment stands.'),
  message: z.string().optional().describe('Why it stands there.'),
  verdict: z
    .enum(verdicts)
    .optional()
    .describe('Whether the hypothesis held; Inconclusive: it cannot be said. The condition HypothesisHeld says why.'),
  verified: z.string().optional().describe('On how many of the injected targets the effect was measured.'),
  startedAt: time.optional().describe('When the injection began.'),
  effectiveAt: time.optional().describe('When the duration began to count.'),
  recoveringAt: time.optional().describe('When the recovery began.'),
  recoveredAt: time.optional().describe('When nothing of it was left on any node, where samples are taken.'),
  endedAt: time.optional().describe('When it was over.'),
  outcome: z
    .object({
      phase: z.enum(['Completed', 'Failed', 'Aborted']).describe('The last phase.'),
      message: z.string().describe('Why it ends in that way.'),
    })
    .optional()
    .describe('How it will end once it has recovered.'),
  counts: z
    .object({
      targets: z.int().describe('Targets in all.'),
      waiting: z.int().describe('Chosen, and not injected yet.'),
      injected: z.int().describe('Injected, and not recovered yet.'),
      missed: z.int().describe('Could not be injected.'),
      recovered: z.int().describe('Over, with nothing left.'),
      verified: z.int().describe('With a measured effect.'),
    })
    .optional()
    .describe('How many targets stand where.'),
  conditions: conditionDocuments
    .optional()
    .describe(`What is known of it: ${[...gitopsConditionTypes, ...Object.keys(experimentReasons)].join(', ')}.`),
  samples: z
    .array(probeSamplesSchema)
    .max(10)
    .optional()
    .describe('What the probes of steadyState.during have measured, in their order.'),
  targets: z.array(target).max(SHOWN_TARGETS).optional().describe(`The first ${SHOWN_TARGETS} targets.`),
});

/** The targets of a ChaosExperimentShard. */
export const experimentShardSchema = z.object({
  targets: z.array(target).max(SHARD_TARGETS).describe('Targets of the experiment that owns this shard, in order.'),
});

/** The status of a ChaosExperiment, as it is written. */
export type StatusDocument = z.output<typeof experimentStatusSchema>;

/** One target, as it is written. */
export type TargetDocument = z.output<typeof target>;

const iso = (ms: number): string => new Date(ms).toISOString();

/** One target, to be written. */
export function targetDocument({ injectedAt, expiresAt, evidence: measured, ...rest }: TargetStatus): TargetDocument {
  return {
    ...rest,
    ...(injectedAt === undefined ? {} : { injectedAt: iso(injectedAt) }),
    ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
    ...(measured === undefined
      ? {}
      : { evidence: { ...measured, counters: { ...measured.counters }, notes: [...measured.notes] } }),
  };
}

function targetOf({ injectedAt, expiresAt, ...rest }: TargetDocument): TargetStatus {
  return {
    ...defined(rest),
    ...(injectedAt === undefined ? {} : { injectedAt: Date.parse(injectedAt) }),
    ...(expiresAt === undefined ? {} : { expiresAt: Date.parse(expiresAt) }),
  };
}

/**
 * The status, to be written. Conditions keep the time of their last change from `previous`; those for GitOps tools follow from the phase
 * and the verdict.
 * @param now Milliseconds since the epoch.
 */
export function statusDocument(
  status: ExperimentStatus,
  { generation, previous, now }: { generation: number; previous: StatusDocument | undefined; now: number },
): StatusDocument {
  const { targets, conditions, outcome, startedAt, effectiveAt, recoveringAt, recoveredAt, endedAt, samples } = status;
  const count = (state: TargetStatus['state']): number => targets.filter((one) => one.state === state).length;
  const verified = targets.filter((one) => one.evidence?.verdict === 'Verified').length;
  const reached = targets.filter((one) => one.executionId !== undefined).length;
  const gitops = { phase: status.phase, verdict: status.verdict, message: outcome?.message };
  return {
    observedGeneration: generation,
    phase: status.phase,
    ...(outcome === undefined ? {} : { message: outcome.message, outcome }),
    verified: `${verified}/${reached}`,
    ...defined({
      verdict: status.verdict,
      startedAt: startedAt === undefined ? undefined : iso(startedAt),
      effectiveAt: effectiveAt === undefined ? undefined : iso(effectiveAt),
      recoveringAt: recoveringAt === undefined ? undefined : iso(recoveringAt),
      recoveredAt: recoveredAt === undefined ? undefined : iso(recoveredAt),
      samples: samples?.map(samplesDocument),
      endedAt: endedAt === undefined ? undefined : iso(endedAt),
    }),
    counts: {
      targets: targets.length,
      waiting: count('Selected'),
      injected: count('Injected'),
      missed: count('Missed'),
      recovered: count('Recovered'),
      verified,
    },
    conditions: writtenConditions([...gitopsConditionsOfPhase(gitops), ...conditions], {
      previous: previous?.conditions,
      generation,
      now: iso(now),
    }),
    targets: targets.slice(0, SHOWN_TARGETS).map(targetDocument),
  };
}

/** The targets, cut into what each shard holds. */
export function shardsOf(targets: readonly TargetStatus[]): TargetDocument[][] {
  const documents = targets.map(targetDocument);
  const count = Math.ceil(documents.length / SHARD_TARGETS);
  return Array.from({ length: count }, (_, index) =>
    documents.slice(index * SHARD_TARGETS, (index + 1) * SHARD_TARGETS),
  );
}

/** The status that was written: the document, with the targets of all its shards in order. */
export function statusFrom(
  document: StatusDocument | undefined,
  shards: readonly (readonly TargetDocument[])[],
): ExperimentStatus {
  const { startedAt, effectiveAt, recoveringAt, recoveredAt, endedAt, outcome, verdict, samples } = document ?? {};
  return {
    phase: document?.phase ?? 'Pending',
    targets: shards.flat().map(targetOf),
    conditions: readConditions(document?.conditions, experimentReasons),
    ...defined({
      startedAt: startedAt === undefined ? undefined : Date.parse(startedAt),
      effectiveAt: effectiveAt === undefined ? undefined : Date.parse(effectiveAt),
      recoveringAt: recoveringAt === undefined ? undefined : Date.parse(recoveringAt),
      recoveredAt: recoveredAt === undefined ? undefined : Date.parse(recoveredAt),
      samples: samples?.map(samplesFrom),
      endedAt: endedAt === undefined ? undefined : Date.parse(endedAt),
      outcome,
      verdict,
    }),
  };
}
