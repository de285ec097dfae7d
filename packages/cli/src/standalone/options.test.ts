/** What `chaosplane run` on one machine says in every field of ExecutionOptions. */
import { expect, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { parseExperiment, type ExperimentStatus } from '@chaosplane/api';
import { ExecutionOptions, type ChaosDaemonClient, type DeepPartial } from '@chaosplane/proto';
import { FakeNode } from '@chaosplane/testkit';
import { ClientError, Status } from 'nice-grpc';
import { runExperiment } from './run.ts';

type Told = DeepPartial<ExecutionOptions>;

/** What the daemon of this machine is sent; it refuses, which ends the run. */
async function told(spec: object): Promise<{ readonly options: Told; readonly status: ExperimentStatus }> {
  const document = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment', metadata: { name: 'x' } };
  const node = new FakeNode();
  node.addPod('web', { uid: 'u' });
  const seen: Told[] = [];
  const client = {
    execHTTPChaos: async ({ options = {} }: { options?: Told }) => {
      seen.push(ExecutionOptions.fromPartial(options));
      throw new ClientError('', Status.FAILED_PRECONDITION, 'refused here');
    },
    listExecutions: async () => ({ executions: [] }),
  };
  const status = await runExperiment({
    experiment: parseExperiment({ ...document, spec: { duration: '30s', ...spec } }, 'machine'),
    client: client as unknown as ChaosDaemonClient,
    runtime: node.host().runtime,
    clock: systemClock,
    abort: new AbortController().signal,
    onStatus: () => undefined,
  });
  return { options: seen[0] ?? {}, status };
}

test('every field that is known on one machine is told, and no other', async () => {
  const action = { type: 'pod-http-abort', parameters: { port: 8080, statusCode: 503 } };
  const { options, status } = await told({ target: { names: ['web'] }, action });
  const said: Readonly<Record<keyof ExecutionOptions, unknown>> = {
    idempotencyKey: expect.stringMatching(/^default\/x\/[0-9a-f]+\/u$/),
    // The duration, and what injecting and recovering may take.
    ttl: { seconds: expect.any(BigInt), nanos: expect.any(Number) },
    podUid: 'u',
    containerId: '',
    // There is no operator whose lease could lapse.
    operatorEpoch: 0n,
    dryRun: false,
    peers: [],
    // The container runtime does not know probes.
    sparedProbes: undefined,
    experimentId: expect.stringMatching(/^default\/x\//),
    bootId: '',
  };
  expect(options).toEqual(said);
  expect(Number(options.ttl?.seconds)).toBeGreaterThanOrEqual(30);
  expect(status.phase).toBe('Failed');
});
