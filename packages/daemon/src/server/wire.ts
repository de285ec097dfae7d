/** Between the wire's messages and the engine's words. Pure. */
import { defined } from '@chaosplane/common';
import type { ExecRpc } from '@chaosplane/actions';
import {
  EndReason,
  ExecutionState,
  millisecondsOf,
  Verdict,
  type AnyExecRequest,
  type ChaosResponse,
  type DeepPartial,
  type Evidence,
  type Execution,
  type ExecutionOptions,
  type Target,
} from '@chaosplane/proto';
import type { Observed } from '../engine/engine.ts';
import type { InjectionResult } from '../engine/inject.ts';
import type { ExecOptions, ExecRequest } from '../engine/request.ts';
import { targetName } from '../engine/target/name.ts';
import type { EvidenceRecord, ExecutionRecord, TargetRecord } from '../journal/record.ts';

/** Any Exec… request that was received. */
type ExecMessage = AnyExecRequest<ExecutionOptions>;

/** The engine's form of an Exec… request. */
export function execRequestOf(rpc: ExecRpc, request: ExecMessage): ExecRequest {
  return {
    rpc,
    wireAction: request.action ?? request.stressorType ?? '',
    experimentId: request.experimentId ?? request.options?.experimentId ?? '',
    // What has a field of its own on the wire is a parameter like the others from here on; 0 is an absent one (proto3).
    parameters: {
      ...request.parameters,
      ...((request.port ?? 0) === 0 ? {} : { port: String(request.port) }),
      ...defined({ containerId: request.containerId }),
    },
    options: optionsOf(request.options),
  };
}

/** An empty string on the wire is an absent one (proto3). */
function optionsOf(options: ExecutionOptions | undefined): ExecOptions {
  if (options === undefined) return { operatorEpoch: 0, dryRun: false, peers: [] };
  const { idempotencyKey, ttl, podUid, containerId, bootId, sparedProbes } = options;
  return {
    ...(idempotencyKey === '' ? {} : { idempotencyKey }),
    ...(ttl === undefined ? {} : { ttlMs: millisecondsOf(ttl) }),
    ...(podUid === '' ? {} : { podUid }),
    ...(containerId === '' ? {} : { containerId }),
    ...(bootId === '' ? {} : { bootId }),
    operatorEpoch: Number(options.operatorEpoch),
    dryRun: options.dryRun,
    peers: options.peers.map(({ cidr, ports, protocol }) => ({ cidr, ports, protocol })),
    ...defined({ probes: sparedProbes }),
  };
}

/** What a caller gets for an Exec… request. */
export function chaosResponseOf(
  injection: InjectionResult,
  fresh: EvidenceRecord | undefined,
): DeepPartial<ChaosResponse> {
  if (injection.kind === 'planned') {
    return {
      message: injection.message,
      plan: { steps: injection.steps.map((step) => ({ ...step, argv: [...step.argv] })) },
    };
  }
  const { record } = injection;
  const evidence = fresh ?? record.evidence;
  return {
    executionId: record.id,
    message: messageOf(injection.kind, record),
    ...(evidence === undefined ? {} : { evidence: evidenceOf(evidence, record) }),
    // What is done has no end to wait for.
    ...(record.endReason === 'done' ? {} : { expiresAt: new Date(record.expiresAt) }),
  };
}

function messageOf(kind: 'injected' | 'joined', record: ExecutionRecord): string {
  const what = `${record.action} of ${targetName(record.target)} (${record.work.engine})`;
  if (record.endReason === 'done') {
    return kind === 'injected' ? `${what} is done` : `${what} was done before with this idempotency key, and not again`;
  }
  const until = new Date(record.expiresAt).toISOString();
  if (kind === 'injected') return `${what} is active until ${until} at the latest`;
  if (record.state === 'ended') return `${what} was carried out before with this idempotency key, and has ended`;
  return `${what} is active already, until ${until} at the latest; this request joined it`;
}

const verdicts = {
  verified: Verdict.VERDICT_VERIFIED,
  'no-traffic': Verdict.VERDICT_NO_TRAFFIC,
  'not-observed': Verdict.VERDICT_NOT_OBSERVED,
} as const;

/** Evidence of an execution as the wire has it, with the time for which the effect was away meanwhile. */
export function evidenceOf(
  evidence: EvidenceRecord,
  { notes, interruptedMs }: Pick<ExecutionRecord, 'notes' | 'interruptedMs'>,
): DeepPartial<Evidence> {
  const counters = { ...defined({ interrupted_ms: interruptedMs }), ...evidence.counters };
  return {
    verdict: verdicts[evidence.verdict],
    engine: evidence.engine,
    summary: evidence.summary,
    counters: Object.fromEntries(Object.entries(counters).map(([name, value]) => [name, BigInt(value)])),
    notes: [...notes],
    gatheredAt: new Date(evidence.gatheredAt),
  };
}

const states = {
  applying: ExecutionState.EXECUTION_STATE_APPLYING,
  active: ExecutionState.EXECUTION_STATE_ACTIVE,
  undoing: ExecutionState.EXECUTION_STATE_UNDOING,
  'undo-failed': ExecutionState.EXECUTION_STATE_UNDO_FAILED,
  ended: ExecutionState.EXECUTION_STATE_ENDED,
} as const;

const endReasons = {
  cancelled: EndReason.END_REASON_CANCELLED,
  expired: EndReason.END_REASON_EXPIRED,
  'lease-lapsed': EndReason.END_REASON_LEASE_LAPSED,
  'target-gone': EndReason.END_REASON_TARGET_GONE,
  'apply-failed': EndReason.END_REASON_APPLY_FAILED,
  swept: EndReason.END_REASON_SWEPT,
  done: EndReason.END_REASON_DONE,
} as const;

/** Who is hit, as the wire has it. */
function targetOf(target: TargetRecord): DeepPartial<Target> {
  switch (target.kind) {
    case 'pod-network': {
      const { podNamespace, podName, podUid, sandboxId, containerName = '' } = target;
      return { podNamespace, podName, podUid, sandboxId, containerName };
    }
    case 'containers': {
      const { podNamespace, podName, podUid, sandboxId, containers } = target;
      const joined = (part: 'id' | 'name'): string => containers.map((container) => container[part]).join(',');
      return { podNamespace, podName, podUid, sandboxId, containerName: joined('name'), containerId: joined('id') };
    }
    case 'node':
      return { nodeName: target.nodeName };
  }
}

/** An execution as the wire has it. */
export function executionOf({ record, evidence }: Observed): DeepPartial<Execution> {
  const { target } = record;
  return {
    executionId: record.id,
    experimentId: record.experimentId,
    action: record.action,
    target: targetOf(target),
    parameters: record.parameters,
    state: states[record.state],
    ...(record.endReason === undefined ? {} : { endReason: endReasons[record.endReason] }),
    createdAt: new Date(record.createdAt),
    ...(record.activeAt === undefined ? {} : { activeAt: new Date(record.activeAt) }),
    expiresAt: new Date(record.expiresAt),
    ...(record.endedAt === undefined ? {} : { endedAt: new Date(record.endedAt) }),
    operatorEpoch: BigInt(record.operatorEpoch),
    ...(evidence === undefined ? {} : { evidence: evidenceOf(evidence, record) }),
    ...defined({ error: record.error, idempotencyKey: record.idempotencyKey }),
  };
}
