/** Commands in containers as a runtime really answers them: each does it in its own way, and the daemon says the same of all. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RunningContainer } from '@chaosplane/testbed';
import { connectRuntime } from '../../src/host/runtime/cri.ts';
import type { ContainerRuntime } from '../../src/contract/host.ts';
import { createPodLab, type PodLab } from './pod-lab.ts';

let lab: PodLab;
let runtime: ContainerRuntime;
let container: RunningContainer;

beforeAll(async () => {
  lab = await createPodLab();
  const pod = await lab.testbed.runPod({ name: 'commands', containers: [{ name: 'app', args: ['serve'] }] });
  container = pod.containers['app']!;
  runtime = connectRuntime(lab.testbed.runtimeEndpoint);
}, 90_000);

afterAll(async () => {
  runtime.close();
  await lab.close();
}, 60_000);

const run = (...argv: string[]) => runtime.exec(container.id, argv);
/** Prints so many bytes. */
const printing = (bytes: number) => run('busybox', 'head', '-c', String(bytes), '/dev/zero');

test('its code and its output are told', async () => {
  expect(await run('sh', '-c', 'echo out; echo err >&2; exit 3')).toEqual({
    exitCode: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  });
}, 120_000);

test.each(['no-such-program', '/no/such/program'])(
  '%s is said not to be there',
  async (program) => {
    await expect(run(program)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `the container has no program ${program}`,
    });
  },
  120_000,
);

test('four million bytes are told in full', async () => {
  expect((await printing(4_000_000)).stdout).toHaveLength(4_000_000);
}, 60_000);

test.each([5_000_000, 12_000_000, 17_000_000, 30_000_000])(
  'of %d bytes it is said that they are too many',
  async (bytes) => {
    await expect(printing(bytes)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('printed more than 4 MiB'),
    });
  },
  60_000,
);

test('what takes too long is said to, also when something that it started keeps its output open', async () => {
  const late = { code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('did not end within 10 s') };
  await Promise.all([
    expect(run('sleep', '60')).rejects.toMatchObject(late),
    expect(run('sh', '-c', 'trap "" TERM; sleep 60; sleep 60')).rejects.toMatchObject(late),
  ]);
}, 60_000);
