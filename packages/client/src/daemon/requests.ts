/** What an experiment asks of a daemon. */
import { findAction } from '@chaosplane/actions';
import type { ExperimentSpec, TargetStatus } from '@chaosplane/api';
import { ChaosError } from '@chaosplane/common';
import {
  durationOf,
  type AnyExecRequest,
  type ChaosDaemonClient,
  type ChaosResponse,
  type DeepPartial,
  type ExecutionOptions,
  type Peer,
  type SparedProbes,
} from '@chaosplane/proto';
import type { CallOptions } from 'nice-grpc';

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
  // What happens once to a node may have happened although its daemon has forgotten it: not again in another boot.
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
