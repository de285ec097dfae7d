/** Bad input is refused with every problem named; nothing is changed, and nothing is journaled. */
import { defined } from '@chaosplane/common';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fingerprint } from '@chaosplane/testbed';
import { Status } from 'nice-grpc';
import { RichClientError } from 'nice-grpc-error-details';
import { badInputs, type BadInput } from './bad-inputs.ts';
import { badProxyInputs } from './bad-proxy-inputs.ts';
import { changesSince, createPodLab, type PodDaemon, type PodEnd, type PodLab } from './pod-lab.ts';

let lab: PodLab;
let target: PodEnd;
let daemon: PodDaemon;
let before: string;

beforeAll(async () => {
  lab = await createPodLab();
  target = await lab.addEnd('target');
  daemon = await lab.startDaemon();
  before = await fingerprint(target.path);
}, 60_000);

afterAll(async () => {
  await lab.close();
}, 120_000);

/** The error that a call ends with. */
async function refusal(call: Promise<unknown>): Promise<RichClientError> {
  const error: unknown = await call.then(
    (answer) => new Error(`it was accepted: ${String(answer)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof RichClientError) return error;
  throw error instanceof Error ? error : new Error(String(error));
}

function send({ action = 'partition', parameters = {}, options }: BadInput): Promise<RichClientError> {
  const all = Object.entries<string | undefined>({ podName: 'target', ...parameters });
  const given = all.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  return refusal(
    daemon.client.execNetworkChaos({
      action,
      parameters: Object.fromEntries(given),
      ...defined({ options }),
    }),
  );
}

/** The fields that google.rpc.BadRequest names, each once. */
function fieldsOf({ extra }: RichClientError): string[] {
  const violations = extra.flatMap((detail) => {
    return detail.$type === 'google.rpc.BadRequest' ? detail.fieldViolations : [];
  });
  for (const { description } of violations) expect(description).toMatch(/.; allowed: ./);
  return [...new Set(violations.map(({ field }) => field))].toSorted();
}

describe('refused', () => {
  test.each(badInputs.map((input) => [input.name, input] as const))('%s', async (_name, input) => {
    const error = await send(input);
    const { status = Status.INVALID_ARGUMENT, fields, says = '' } = input;
    expect(Status[error.code]).toBe(Status[status]);
    expect(fieldsOf(error)).toEqual(fields.toSorted());
    for (const field of fields) expect(error.details).toContain(`${field}: `);
    expect(error.details).toContain(says);
    expect(error.details.length).toBeLessThan(4000);
    expect(await readdir(join(daemon.stateDir, 'executions'))).toEqual([]);
  });

  test.each(badProxyInputs.map((input) => [input.name, input] as const))('%s', async (_name, input) => {
    const [rpc, action = ''] = input.rpc.split(' ');
    const parameters = { podName: 'target', ...input.parameters };
    const call =
      rpc === 'http'
        ? daemon.client.execHTTPChaos({ action, parameters, port: input.port ?? 0 })
        : daemon.client.execDNSChaos({ action, parameters });
    const error = await refusal(call);
    expect(Status[error.code]).toBe('INVALID_ARGUMENT');
    expect(fieldsOf(error)).toEqual(input.fields);
    expect(error.details.length).toBeLessThan(4000);
    expect(await readdir(join(daemon.stateDir, 'executions'))).toEqual([]);
  });

  const stress = (stressorType: string, parameters: Readonly<Record<string, string>>) => () =>
    daemon.client.execStressChaos({ stressorType, parameters });
  const others = [
    ['a fork bomb', stress('cpu', { podName: 'target', workers: '100000' }), ['parameters.workers']],
    ['a load that is a command', stress('cpu', { podName: 'target', load: '50;reboot' }), ['parameters.load']],
    ['a container without its pod', stress('cpu', { containerName: 'app' }), ['parameters.podName']],
    ['a size of 10 kB', stress('memory', { podName: 'target', size: '9'.repeat(10_000) }), ['parameters.size']],
    ['a path with a NUL byte', stress('io', { podName: 'target', path: '/data\0' }), ['parameters.path']],
    ['a path that is an option', stress('io', { podName: 'target', path: '--help' }), ['parameters.path']],
    ['io of the node', stress('io', {}), ['parameters.podName']],
    ['a signal that stops', stress('container-kill', { podName: 'target', signal: 'STOP' }), ['parameters.signal']],
    ['a kill of every pod', stress('container-kill', {}), ['parameters.podName']],
    [
      'a restart in a year',
      () => daemon.client.execNodeChaos({ action: 'restart', parameters: { gracePeriod: '8760h' } }),
      ['parameters.gracePeriod'],
    ],
    ['no container', () => daemon.client.execHelloWorldChaos({}), ['parameters.containerId']],
    [
      'a container that is a path',
      () => daemon.client.execHelloWorldChaos({ containerId: '../../etc/passwd' }),
      ['parameters.containerId'],
    ],
  ] as const;
  test.each(others)('%s', async (_name, call, fields) => {
    const error = await refusal(call());
    expect(Status[error.code]).toBe('INVALID_ARGUMENT');
    expect(fieldsOf(error)).toEqual(fields);
    expect(await readdir(join(daemon.stateDir, 'executions'))).toEqual([]);
  });

  test('a stressor that will never be', async () => {
    const error = await refusal(daemon.client.execStressChaos({ stressorType: 'fork-bomb' }));
    expect(Status[error.code]).toBe('INVALID_ARGUMENT');
    expect(fieldsOf(error)).toEqual(['stressor_type']);
  });

  test.each([
    ['that is unknown', 'network-delay-0', Status.NOT_FOUND],
    ['that is a path', '../../../etc/passwd', Status.NOT_FOUND],
    ['of 10 kB', 'x'.repeat(10_000), Status.NOT_FOUND],
  ])('the look at an execution %s', async (_name, executionId, status) => {
    const error = await refusal(daemon.client.getExecution({ executionId }));
    expect(Status[error.code]).toBe(Status[status]);
  });

  test('so many problems that no answer could hold them: as many as fit, and how many more there are', async () => {
    const keys = Array.from({ length: 500 }, (_, index) => [`clé${index}`, '1'] as const);
    const error = await send({
      name: 'many',
      parameters: Object.fromEntries(keys),
      fields: [],
    });
    expect(Status[error.code]).toBe('INVALID_ARGUMENT');
    expect(error.details).toMatch(/… \(\d+ more characters\)$/);
    const [detail] = error.extra;
    const violations = detail?.$type === 'google.rpc.BadRequest' ? detail.fieldViolations : [];
    expect(violations.length).toBeGreaterThan(5);
    expect(violations.at(-1)?.description).toBe(`${501 - violations.length} more problems are not listed`);
    // The connection is as good as before.
    expect((await daemon.client.listExecutions({})).executions).toEqual([]);
  });

  test('a renewal that is no renewal, with every problem', async () => {
    const executions = [{ executionId: 'x', ttl: { seconds: -1n, nanos: 0 } }, { executionId: 'y' }];
    const error = await refusal(daemon.client.renewLease({ leaseTtl: { seconds: 0n, nanos: 0 }, executions }));
    expect(Status[error.code]).toBe('INVALID_ARGUMENT');
    expect(fieldsOf(error)).toEqual(['executions[x].ttl', 'executions[y]', 'lease_ttl']);
  });
});

test('the cancel of something that is not there is a success', async () => {
  for (const executionId of ['', 'network-delay-0', '../lock', 'x'.repeat(10_000)]) {
    expect((await daemon.client.cancelChaos({ executionId })).message).toContain('nothing to undo');
  }
});

test('of all that nothing was changed, journaled or remembered', async () => {
  expect(await changesSince(before, target)).toEqual([]);
  expect(await readdir(join(daemon.stateDir, 'executions'))).toEqual([]);
  expect((await daemon.client.listExecutions({ includeEnded: true })).executions).toEqual([]);
});
