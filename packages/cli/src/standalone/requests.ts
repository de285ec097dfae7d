/** The request that an experiment makes of a daemon for one target. Pure. */
import { findAction, type ExecRpc } from '@chaosplane/actions';
import { ChaosError } from '@chaosplane/common';
import { durationOf } from '@chaosplane/daemon';
import type { ExperimentSpec, TargetEvidence } from '@chaosplane/experiment';
import {
  ExecutionState,
  Verdict,
  type ChaosDaemonClient,
  type ChaosResponse,
  type DeepPartial,
  type Evidence,
  type Execution,
  type ExecutionOptions,
} from '@chaosplane/proto';

/** Who is to be hit, and under which name. */
export interface Injection {
  readonly spec: ExperimentSpec;
  readonly experimentId: string;
  readonly target: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly ttlMs: number;
  readonly dryRun: boolean;
}

/** Sends the request; the same injection twice is one execution. */
export function send(client: ChaosDaemonClient, injection: Injection): Promise<ChaosResponse> {
  const { spec, experimentId, target, ttlMs, dryRun } = injection;
  const { route } = findAction(spec.action.type);
  if (route.on !== 'daemon')
    throw new ChaosError('UNIMPLEMENTED', `${spec.action.type} is carried out by the operator only`);
  const parameters = { ...spec.action.parameters, podName: target.name, podNamespace: target.namespace };
  const options: DeepPartial<ExecutionOptions> = {
    idempotencyKey: `${experimentId}/${target.uid}`,
    ttl: durationOf(ttlMs),
    podUid: target.uid,
    dryRun,
    peers: spec.peers,
  };
  const common = { experimentId, parameters, options };
  const action = route.wireAction;
  const requests: Record<ExecRpc, () => Promise<ChaosResponse>> = {
    execNetworkChaos: () => client.execNetworkChaos({ ...common, action }),
    execStressChaos: () => client.execStressChaos({ ...common, stressorType: action }),
    execHTTPChaos: () => client.execHTTPChaos({ ...common, action }),
    execDNSChaos: () => client.execDNSChaos({ ...common, action }),
    execNodeChaos: () => client.execNodeChaos({ ...common, action }),
    execHelloWorldChaos: () => client.execHelloWorldChaos({ options }),
  };
  return requests[route.rpc]();
}

/** Whether something of the execution may still be on the node. */
export function isLive({ state }: Pick<Execution, 'state'>): boolean {
  return state !== ExecutionState.EXECUTION_STATE_ENDED;
}

/** `END_REASON_TARGET_GONE` → `target gone`. */
export function words(name: string, prefix: string): string {
  return name.replace(prefix, '').toLowerCase().replaceAll('_', ' ');
}

/** Evidence as an experiment's status has it. */
export function evidenceOf(evidence: Evidence): TargetEvidence {
  return {
    verdict: verdictOf(evidence.verdict),
    engine: evidence.engine,
    summary: evidence.summary,
    counters: Object.fromEntries(Object.entries(evidence.counters).map(([name, value]) => [name, Number(value)])),
    notes: evidence.notes,
  };
}

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
