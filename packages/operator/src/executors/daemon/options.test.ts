/** What the operator says in every field of ExecutionOptions; a field that is added has to be added here. */
import { expect, test } from '@jest/globals';
import { createLogger, systemClock } from '@chaosplane/common';
import { parseExperiment, type TargetStatus } from '@chaosplane/api';
import { durationOf, ExecutionOptions, type ChaosDaemonClient, type DeepPartial } from '@chaosplane/proto';
import { createCalls } from '../../daemons/calls.ts';
import type { Daemons } from '../../daemons/daemons.ts';
import { daemonExecutor } from './executor.ts';

type Told = DeepPartial<ExecutionOptions>;

const probes = { nodeAddresses: ['192.168.0.5', 'fd00:9::5'], ports: [8080, 9090] };
const peers = [{ cidr: '192.0.2.1' }];

/** What a daemon is sent for an injection, or a dry run, of that action. */
async function told(type: string, parameters: object, dryRun: boolean): Promise<Told> {
  const kind = type === 'node-restart' ? 'Node' : 'Pod';
  const spec = { target: { kind, names: ['it'] }, action: { type, parameters }, duration: '30s' };
  const document = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment', metadata: { name: 'x' } };
  const seen: Told[] = [];
  const exec = async ({ options = {} }: { options?: Told }) => {
    seen.push(ExecutionOptions.fromPartial(options));
    return { executionId: 'id', message: '' };
  };
  const client = { execNetworkChaos: exec, execHTTPChaos: exec, execDNSChaos: exec, execNodeChaos: exec };
  const known = { of: () => client as unknown as ChaosDaemonClient, isUnresponsive: () => false };
  const daemons = known as Pick<Daemons, 'of' | 'isUnresponsive'> as Daemons;
  const executor = daemonExecutor({
    spec: parseExperiment({ ...document, spec }, 'cluster').spec,
    experimentId: 'shop/x/1',
    daemons,
    epoch: 3,
    leaseTtlMs: 1000,
    nodeExists: () => true,
    alsoAsk: [],
    peers: () => (kind === 'Pod' ? peers : []),
    containerOf: () => 'containerd://c',
    kubeletProbesOf: () => probes,
    whyGone: () => '',
    calls: createCalls({ clock: systemClock, wake: () => undefined }),
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    signal: new AbortController().signal,
  });
  const target: TargetStatus = { namespace: 'shop', name: 'it', uid: 'u', node: 'n1', bootId: 'b1', state: 'Selected' };
  await (dryRun ? executor.preview(target) : executor.inject(target, 45_000, new AbortController().signal));
  return seen[0] ?? {};
}

/** What the executor says for a pod, for any network fault; and what else it says in place of that. */
const said: Readonly<Record<keyof ExecutionOptions, unknown>> = {
  idempotencyKey: 'shop/x/1/u',
  ttl: durationOf(45_000),
  podUid: 'u',
  // A container is meant by its name, because it gets another id with each restart.
  containerId: '',
  operatorEpoch: 3n,
  dryRun: false,
  peers: [{ cidr: '192.0.2.1', ports: [], protocol: '' }],
  sparedProbes: probes,
  experimentId: 'shop/x/1',
  bootId: '',
};

test.each<[what: string, type: string, parameters: object, dryRun: boolean, otherwise: Told]>([
  ['a network fault', 'network-partition', {}, false, {}],
  ['a network fault that spares no probes, which its daemon decides', 'network-loss', loss(), false, {}],
  ['an HTTP fault', 'pod-http-abort', { port: 8080, statusCode: 503 }, false, {}],
  ['a dry run', 'pod-http-delay', { port: 8080, delay: '1s' }, true, { dryRun: true, ttl: durationOf(30_000) }],
  ['a DNS fault, which meets no probe', 'pod-dns-error', { domains: '*' }, false, unspared()],
  ['what happens once to a node', 'node-restart', {}, false, { ...unspared(), podUid: '', bootId: 'b1', peers: [] }],
])('for %s', async (_what, type, parameters, dryRun, otherwise) => {
  expect(await told(type, parameters, dryRun)).toEqual({ ...said, ...otherwise });
});

function loss() {
  return { percent: 5, spareProbes: false };
}

/** A difference between two equal requests would be made of them. */
function unspared(): { sparedProbes: undefined } {
  return { sparedProbes: undefined };
}
