/** What the journal remembers of one execution: enough to undo it, to apply it again, and to tell what became of it. */
import * as z from 'zod';
import { oneShotWork } from './one-shot.ts';
import { networkTarget, networkWork } from './network.ts';
import { proxyWork } from './proxy.ts';
import { processWork } from './process.ts';
import { containersTarget, nodeTarget } from './target.ts';

const evidence = z.object({
  verdict: z.enum(['verified', 'no-traffic', 'not-observed']),
  engine: z.string(),
  summary: z.string(),
  counters: z.record(z.string(), z.number()),
  gatheredAt: z.number(),
});

/** What every record has. Times are milliseconds since the epoch. */
const common = {
  version: z.literal(1),
  id: z.string().regex(/^[a-z0-9-]+$/),
  experimentId: z.string(),
  rpc: z.string(),
  action: z.string(),
  parameters: z.record(z.string(), z.string()),
  /** Hash of all that makes two requests the same. */
  requestHash: z.string(),
  idempotencyKey: z.string().exactOptional(),
  /** The boot in which it was applied; after another boot nothing of it exists. */
  bootId: z.string(),
  state: z.enum(['applying', 'active', 'undoing', 'undo-failed', 'ended']),
  endReason: z
    .enum(['cancelled', 'expired', 'lease-lapsed', 'target-gone', 'apply-failed', 'swept', 'done'])
    .exactOptional(),
  createdAt: z.number(),
  activeAt: z.number().exactOptional(),
  expiresAt: z.number(),
  endedAt: z.number().exactOptional(),
  /** How long its effect was away so far while no daemon ran, in milliseconds; an upper bound. */
  interruptedMs: z.number().exactOptional(),
  /** When a daemon that took it over had it in force again. */
  restoredAt: z.number().exactOptional(),
  /** 0: the caller keeps no lease. */
  operatorEpoch: z.number(),
  /** The last evidence that was gathered; final once ended. */
  evidence: evidence.exactOptional(),
  notes: z.array(z.string()),
  /** The last error of an undo that has not finished. */
  error: z.string().exactOptional(),
} as const;

const containersOrNode = z.discriminatedUnion('kind', [containersTarget, nodeTarget]);

/** The journal's format: a member for each driver of faults. A new driver is a new member. */
const records = z.union([
  z.object({ ...common, target: networkTarget, work: networkWork }),
  z.object({ ...common, target: networkTarget, work: proxyWork }),
  z.object({ ...common, target: containersOrNode, work: processWork }),
  z.object({ ...common, target: containersOrNode, work: oneShotWork }),
]);

/** Records of before there were other targets than the networks of pods do not say what theirs is. */
function upgraded(json: unknown): unknown {
  const { target } = (json ?? {}) as { target?: object };
  return typeof target !== 'object' || 'kind' in target
    ? json
    : { ...(json as object), target: { kind: 'pod-network', ...target } };
}

export const recordSchema = z.preprocess(upgraded, records);

/** One execution, as the journal and the engine know it. */
export type ExecutionRecord = z.infer<typeof records>;

/** What a record calls each driver in its field `shape`: the words on disk stay as they are. */
interface Journaled {
  readonly network: 'network';
  readonly proxy: 'proxy';
  readonly process: 'process';
  readonly 'one-shot': 'act';
}

/** The name of a driver of faults. */
export type DriverName = keyof Journaled;

/** An execution of a fault of that driver. */
export type RecordOf<Name extends DriverName> = Extract<ExecutionRecord, { work: { shape: Journaled[Name] } }>;

/** The driver of the record's fault. */
export function driverNameOf({ work: { shape } }: ExecutionRecord): DriverName {
  return shape === 'act' ? 'one-shot' : shape;
}

/** Whether the record's fault is of that driver. */
export function isOfDriver<Name extends DriverName>(record: ExecutionRecord, name: Name): record is RecordOf<Name> {
  return driverNameOf(record) === name;
}

/** Who is hit. */
export type TargetRecord = ExecutionRecord['target'];

/** The network of one pod: what is the same for all executions there. */
export type PodNetwork = Omit<Extract<TargetRecord, { kind: 'pod-network' }>, 'kind' | 'containerName' | 'netnsCookie'>;

/** What was measured about an execution's effect. */
export type EvidenceRecord = z.infer<typeof evidence>;

/** Why an execution ended. */
export type EndReason = NonNullable<ExecutionRecord['endReason']>;
