/** `chaosplane run` of a workflow on this machine's pods: the order, what is felt, and the end. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { catalogue } from '@chaosplane/actions';
import { fingerprint, type Pod } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit/eventually';
import { everyAction, everyActionSpec, experimentOf, onClustersAlone } from '../workflows/every-action.ts';
import { ended, endOf, type Result } from '../workflows/end.ts';
import { everyKind, rollback, workflowFile } from '../workflows/expected.ts';
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

const head = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosWorkflow', metadata: { name: 'flow' } };

const workflow = (spec: object): string =>
  JSON.stringify({
    ...head,
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
      ],
      ...spec,
    },
  });

const phases = ({ steps }: Result): Record<string, string> =>
  Object.fromEntries(Object.entries(steps).map(([id, { phase }]) => [id, phase]));

test('every kind of template and every strategy, in their order, by what was measured, and nothing is left', async () => {
  const input = await workflowFile('every-kind', url());
  const run = chaosplane(['run', '-', '-o', 'json', '-p', 'latency=150ms', '--resume'], input);
  expect(endOf(await ended(run), everyKind)).toEqual(everyKind);
  expect(await fingerprint(web.netnsPath ?? '')).toBe(clean);
}, 120_000);

test('with rollback, what is in force recovers in the reverse order of its beginning', async () => {
  const run = chaosplane(['run', '-', '-o', 'json'], await workflowFile('rollback', url()));
  expect(endOf(await ended(run), rollback)).toEqual(rollback);
  expect(await fingerprint(web.netnsPath ?? '')).toBe(clean);
}, 120_000);

describe('every action of the catalogue', () => {
  test('is a step that ends, and the next one begins; nothing is left', async () => {
    const idle = await fingerprint(machine.idle.netnsPath ?? '');
    const asking = new AbortController();
    const traffic = askAgainAndAgain(url(), asking.signal);
    const input = JSON.stringify({ ...head, spec: everyActionSpec() });
    const { result, exitCode } = await ended(chaosplane(['run', '-', '-o', 'json'], input));
    asking.abort();
    await traffic;
    const wanted = [...everyAction].map(([name, { phase, message }]) => [
      name,
      expect.objectContaining({ phase, attempt: 1, message: expect.stringMatching(message) }),
    ]);
    expect(result.steps).toEqual(Object.fromEntries(wanted));
    // The node was not restarted.
    expect([result.phase, exitCode]).toEqual(['Completed', 2]);
    const inOrder = Object.values(result.steps);
    for (const [index, { startedAt }] of inOrder.entries())
      if (index > 0) expect(startedAt).toBeGreaterThanOrEqual(inOrder[index - 1]?.endedAt ?? NaN);
    expect(await fingerprint(web.netnsPath ?? '')).toBe(clean);
    expect(await fingerprint(machine.idle.netnsPath ?? '')).toBe(idle);
    const { stdout } = await chaosplane(['list', '-o', 'json']);
    expect(JSON.parse(stdout)).toEqual([]);
  }, 180_000);

  test('that is carried out by the operator of a cluster is refused, by its name', async () => {
    const all = [...everyAction.keys(), ...onClustersAlone].map((name) => name.replaceAll('_', '-'));
    expect(all.toSorted()).toEqual(catalogue.map(({ name }) => name).toSorted());
    const templates = catalogue
      .filter(({ name }) => (onClustersAlone as readonly string[]).includes(name))
      .map((action, index) => ({ name: `t${index}`, experiment: experimentOf(action) }));
    const steps = templates.map(({ name }) => ({ name, template: name }));
    const { stderr, exitCode } = await chaosplane(
      ['run', '-'],
      JSON.stringify({ ...head, spec: { templates, steps } }),
    );
    for (const name of onClustersAlone) expect(stderr).toContain(`${name} is carried out by the operator of a cluster`);
    expect(stderr).toContain('error: the workflow is not valid');
    expect(exitCode).toBe(2);
  }, 60_000);
});

/** HTTP requests, one after the other, however they end. */
async function askAgainAndAgain(of: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(300)]);
    await fetch(of, { signal: limited, headers: { connection: 'close' } }).then(
      (answer) => answer.text().catch(() => ''),
      () => '',
    );
  }
}

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
