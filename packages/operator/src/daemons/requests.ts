/** What an experiment says to a daemon, and what a daemon says of its executions, in the words of an experiment. */
import { findAction } from '@chaosplane/actions';
import { ChaosError } from '@chaosplane/common';
import type { ExperimentSpec, TargetEvidence, TargetStatus } from '@chaosplane/api';
import type { ObservedExecution } from '@chaosplane/lifecycle';
import {
  durationOf,
  EndReason,
  ExecutionState,
  Verdict,
  type ChaosDaemonClient,
  type ChaosResponse,
  type DeepPartial,
  type Evidence,
  type Execution,
  type ExecutionOptions,
  type Peer,
  type SparedProbes,
} from '@chaosplane/proto';
import { ClientError, Status, type CallOptions } from 'nice-grpc';

/** Who is to be hit, and under which name. */
export interface Injection {
  readonly spec: ExperimentSpec;
  readonly experimentId: string;
  readonly target: Pick<TargetStatus, 'namespace' | 'name' | 'uid' | 'bootId'>;
  readonly ttlMs: number;
  readonly dryRun: boolean;
  readonly peers: readonly DeepPartial<Peer>[];
  /** The kubelet's traffic to the target; absent: it has none, or it is not known. */
  readonly probes?: DeepPartial<SparedProbes>;
  /** A container of the target, as Kubernetes prints it; for actions that ask for one instead of a pod. */
  readonly containerId?: string;
  /** The epoch of the operator that asks; absent: the execution lives under no lease. */
  readonly epoch?: number;
}

/** The key under which an injection is one execution, however often it is asked for. */
export function idempotencyKey(experimentId: string, targetUid: string): string {
  return `${experimentId}/${targetUid}`;
}

/** Sends the request; the same injection twice is one execution. */
export function send(
  client: ChaosDaemonClient,
  { spec, experimentId, target, ttlMs, dryRun, peers, probes, epoch, containerId = '' }: Injection,
  signal?: AbortSignal,
): Promise<ChaosResponse> {
  const { route, name, targetKind, recover, shape } = findAction(spec.action.type);
  if (route.on !== 'daemon') throw new ChaosError('UNIMPLEMENTED', `${name} is carried out by the operator only`);
  const ofPod = targetKind === 'Pod' ? { podName: target.name, podNamespace: target.namespace } : {};
  // What happens once to a node may have happened although nobody remembers it: not again in another boot.
  const { bootId = '' } = targetKind === 'Node' && recover === 'one-shot' ? target : {};
  const parameters = { ...spec.action.parameters, ...ofPod };
  const options: DeepPartial<ExecutionOptions> = {
    idempotencyKey: idempotencyKey(experimentId, target.uid),
    ttl: durationOf(ttlMs),
    ...(targetKind === 'Pod' ? { podUid: target.uid } : {}),
    bootId,
    experimentId,
    dryRun,
    peers: [...peers],
    // Only for actions that can spare them: to all others they would be a difference between two equal requests.
    ...(probes !== undefined && Object.hasOwn(shape, 'spareProbes') ? { sparedProbes: probes } : {}),
    ...(epoch === undefined ? {} : { operatorEpoch: BigInt(epoch) }),
  };
  const action = route.wireAction;
  // Each message takes the fields that it has, so that a new RPC needs nothing here.
  const request: AnyExecRequest = { experimentId, action, stressorType: action, containerId, parameters, options };
  const exec: (request: AnyExecRequest, call: CallOptions) => Promise<ChaosResponse> = client[route.rpc];
  return exec(request, signal === undefined ? {} : { signal });
}

/** What the requests of the Exec… RPCs have between them. */
interface AnyExecRequest {
  readonly experimentId: string;
  readonly action: string;
  readonly stressorType: string;
  readonly containerId: string;
  readonly parameters: Record<string, string>;
  readonly options: DeepPartial<ExecutionOptions>;
}

/** Errors that say nothing about the request itself; it is made again under the same idempotency key. */
export function isPassing(error: unknown): boolean {
  const passing = [Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.CANCELLED];
  if (error instanceof ClientError) return passing.includes(error.code);
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}

/** The daemon takes another operator for the one that leads, or does not know this one: that says nothing about the request either. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ClientError && [Status.PERMISSION_DENIED, Status.UNAUTHENTICATED].includes(error.code);
}

/** What a daemon's refusal says. */
export function reasonOf(error: unknown): string {
  if (error instanceof ClientError) return cut(error.details, LONGEST_REASON);
  return error instanceof Error ? error.message : String(error);
}

/** Whether something of the execution may still be on the node. */
export function isLive({ state }: Pick<Execution, 'state'>): boolean {
  return state !== ExecutionState.EXECUTION_STATE_ENDED;
}

/** `END_REASON_TARGET_GONE` → `target gone`. */
export function words(name: string, prefix: string): string {
  return name.replace(prefix, '').toLowerCase().replaceAll('_', ' ');
}

/** An execution, as the life of an experiment sees it. */
export function observed(execution: Execution): ObservedExecution {
  const reason = Object.entries(EndReason).find(([, value]) => value === execution.endReason)?.[0] ?? '';
  return {
    live: isLive(execution),
    endReason: words(reason, 'END_REASON_'),
    ...(execution.error === '' ? {} : { error: cut(execution.error, LONGEST_REASON) }),
    ...(execution.evidence === undefined ? {} : { evidence: evidenceOf(execution.evidence) }),
  };
}

/**
 * Evidence as an experiment's status has it: cut to what 500 targets of one shard have room for, and to numbers that the API
 * server takes, because a status that it refuses would hold up the recovery.
 */
export function evidenceOf(evidence: Evidence): TargetEvidence {
  const counters = Object.entries(evidence.counters).slice(0, MOST_COUNTERS);
  return {
    verdict: verdictOf(evidence.verdict),
    engine: cut(evidence.engine, 64),
    summary: cut(evidence.summary, LONGEST_TEXT),
    counters: Object.fromEntries(
      counters.map(([name, value]) => [cut(name, 64), Math.min(Number(value), Number.MAX_SAFE_INTEGER)]),
    ),
    notes: evidence.notes.slice(0, MOST_NOTES).map((note) => cut(note, LONGEST_TEXT)),
  };
}

const LONGEST_TEXT = 300;
const LONGEST_REASON = 1000;
const MOST_NOTES = 4;
const MOST_COUNTERS = 8;

const cut = (text: string, longest: number): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;

function verdictOf(verdict: Verdict): TargetEvidence['verdict'] {
  switch (verdict) {
    case Verdict.VERDICT_VERIFIED:
      return 'Verified';
    case Verdict.VERDICT_NO_TRAFFIC:
      return 'NoTraffic';
    case Verdict.VERDICT_NOT_OBSERVED:
      return 'NotObserved';
    default:
      return 'Unknown';
  }
}
