/** `chaosplane run` of a workflow on this machine's pods: the order, what is felt, and the end. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fingerprint, type Pod } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit/eventually';
import { startMachine, type Machine, type Run } from './machine.ts';

let machine: Machine;
let web: Pod;
let chaosplane: Run;
let clean: string;

beforeAll(async () => {
  machine = await startMachine('workflow');
  ({ web, chaosplane } = machine);
  clean = await fingerprint(web.netnsPath ?? '');
}, 180_000);
afterAll(() => machine.close(), 60_000);

const onWeb = (type: string, parameters: object = {}, more: object = {}): object => ({
  target: { names: ['web'] },
  action: { type, parameters },
  duration: '1s',
  ...more,
});
const url = (): string => `http://${web.ips.v4}:8080/`;

const workflow = (spec: object): string =>
  JSON.stringify({
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosWorkflow',
    metadata: { name: 'flow' },
    spec: {
      templates: [
        {
          name: 'slow',
          parameters: [{ name: 'latency', type: 'duration', default: '100ms' }],
          experiment: onWeb(
            'network-delay',
            { latency: '${{ parameters.latency }}' },
            { steadyState: { during: [{ type: 'http', url: url(), interval: '200ms', timeout: '2s' }] } },
          ),
        },
        {
          name: 'refused',
          experiment: onWeb(
            'network-partition',
            {},
            { steadyState: { before: [{ type: 'http', url: 'http://127.0.0.1:1/' }] } },
          ),
        },
        { name: 'long', experiment: onWeb('network-partition', { protocol: 'udp' }, { duration: '10m' }) },
        {
          name: 'both',
          parallel: {
            steps: [
              { name: 'x', template: 'slow' },
              { name: 'y', template: 'pause' },
            ],
          },
        },
        { name: 'pause', delay: '100ms' },
        { name: 'answers', probe: { type: 'http', url: url() } },
        { name: 'held', condition: 'steps.slow.verdict == "Held" && steps.slow.measured.p95 >= duration("100ms")' },
        { name: 'people', suspend: { timeout: '10m' } },
      ],
      ...spec,
    },
  });

interface Result {
  readonly phase: string;
  readonly verdict?: string;
  readonly steps: Readonly<Record<string, { readonly phase: string; readonly message?: string }>>;
}

async function ended(
  run: ReturnType<Run>,
): Promise<{ readonly exitCode: number | undefined; readonly result: Result }> {
  const { stdout, exitCode } = await run;
  return { exitCode, result: JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Result };
}

const phases = ({ steps }: Result): Record<string, string> =>
  Object.fromEntries(Object.entries(steps).map(([id, { phase }]) => [id, phase]));

test('steps of every kind are done in their order, by what was measured, and leave nothing', async () => {
  const steps = [
    { name: 'slow', template: 'slow', arguments: { latency: '${{ parameters.latency }}' } },
    { name: 'held', template: 'held', dependencies: ['slow'] },
    { name: 'both', template: 'both', dependencies: ['held'] },
    { name: 'never', template: 'long', dependencies: ['both'], when: 'steps.slow.verdict == "NotHeld"' },
    { name: 'people', template: 'people', dependencies: ['never'] },
  ];
  const parameters = [{ name: 'latency', type: 'duration' }];
  const input = workflow({ parameters, steps, onExit: [{ name: 'answers', template: 'answers' }] });
  const run = chaosplane(['run', '-', '-o', 'json', '-p', 'latency=150ms', '--resume'], input);
  const { exitCode, result } = await ended(run);
  expect(phases(result)).toEqual({
    ...{ slow: 'Succeeded', held: 'Succeeded', both: 'Succeeded', 'both/x': 'Succeeded', 'both/y': 'Succeeded' },
    ...{ never: 'Skipped', people: 'Succeeded', 'onExit/answers': 'Succeeded' },
  });
  expect([result.phase, result.verdict, exitCode]).toEqual(['Completed', 'Held', 0]);
  expect(await fingerprint(web.netnsPath ?? '')).toBe(clean);
}, 120_000);

test('a step that fails ends what is in force beside it, after its last try', async () => {
  const retry = { strategy: 'retry', limit: 1, backOff: '100ms' };
  const steps = [
    { name: 'long', template: 'long' },
    { name: 'pause', template: 'pause' },
    { name: 'bad', template: 'refused', dependencies: ['pause'], errorHandling: retry },
  ];
  const { exitCode, result } = await ended(chaosplane(['run', '-', '-o', 'json'], workflow({ steps })));
  expect(phases(result)).toEqual({ long: 'Aborted', pause: 'Succeeded', bad: 'Failed' });
  expect(result.phase).toBe('Failed');
  expect(exitCode).toBe(2);
  expect(await fingerprint(web.netnsPath ?? '')).toBe(clean);
}, 120_000);

test('Ctrl-C recovers what is in force, does what is to be done at the exit, and ends with 3', async () => {
  const input = workflow({
    steps: [{ name: 'long', template: 'long' }],
    onExit: [{ name: 'answers', template: 'answers' }],
  });
  const run = chaosplane(['run', '-', '-o', 'json'], input);
  await eventually('it is in force', async () => (await fingerprint(web.netnsPath ?? '')) !== clean);
  run.kill('SIGINT');
  const { exitCode, result } = await ended(run);
  expect(phases(result)).toEqual({ long: 'Aborted', 'onExit/answers': 'Succeeded' });
  expect([result.phase, exitCode]).toEqual(['Aborted', 3]);
  expect(await fingerprint(web.netnsPath ?? '')).toBe(clean);
}, 120_000);

test('explain draws the steps, and tells what each experiment would do', async () => {
  const input = workflow({
    steps: [
      { name: 'slow', template: 'slow' },
      { name: 'both', template: 'both', dependencies: ['slow'] },
    ],
  });
  const { stdout, exitCode } = await chaosplane(['explain', '-'], input);
  expect(stdout).toContain('Workflow flow: 4 steps, at most 5 experiments at a time\n  ○ slow: network-delay for 1s\n');
  expect(stdout).toContain('  ○ both: 2 steps, after slow\n    ○ x: network-delay for 1s\n    ○ y: waits 100ms\n');
  expect(stdout).toMatch(/\nStep slow\n[^]*● default\/web[^]*\nStep both\/x\n/);
  expect(exitCode).toBe(0);
  expect(await fingerprint(web.netnsPath ?? '')).toBe(clean);
}, 120_000);
