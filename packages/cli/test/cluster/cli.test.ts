/** The command on a cluster: run, get, describe and abort, as a user types them. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { CAPABILITIES_ANNOTATION } from '@chaosplane/api';
import { execa } from 'execa';
import { addressTowards } from '@chaosplane/testcluster';
import {
  patient,
  sharedInstallation,
  isEffective,
  NAMESPACE,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { cells, endedRun, startApplication, wantedEnds } from '../verdict-table.ts';

jest.setTimeout(180_000);

const PROGRAM = join(import.meta.dirname, '../../src/main.ts');

let shop: Installation;

beforeAll(async () => {
  shop = await sharedInstallation();
  await shop.addApps({ name: 'web', node: 'n1' }, { name: 'caller', node: 'n2' });
  const wanted = shop.cluster.nodes.map((node) => `node/${node}`);
  const path = `jsonpath={.metadata.annotations.${CAPABILITIES_ANNOTATION.replaceAll('.', String.raw`\.`)}}`;
  // After a new installation, a daemon tells as soon as it answers.
  await shop.cluster.kubectl(['wait', `--for=${path}`, '--timeout=60s', ...wanted]);
}, 900_000);
afterAll(() => shop.close(), 60_000);

/** Runs `chaosplane` with the cluster's kubeconfig. */
function chaosplane(argv: readonly string[], input = '') {
  const env = { KUBECONFIG: shop.cluster.kubeconfig };
  return execa(process.execPath, [PROGRAM, ...argv], { input, env, reject: false });
}

const file = (name: string, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosExperiment',
    metadata: { name },
    spec: {
      target: { names: ['caller'] },
      action: { type: 'network-partition', parameters: { protocol: 'udp' } },
      duration: '10m',
      ...more,
    },
  });

test('run applies the file, follows it, tells the evidence, and ends with 0 because no hypothesis was given, and the effect was verified', async () => {
  const run = chaosplane(['run', '-', '--cluster', '-n', NAMESPACE, '--duration', '4s'], file('cut'));
  await shop.until('cut', isEffective);
  const [outcome] = await shop.probe('caller', [`udp://${await shop.ipOf('web')}:8081`]);
  const { exitCode, stdout } = await run;
  expect(outcome?.answered).toBe(0);
  expect(stdout).toMatch(/cut: Running, 1 injected[^]*cut: Completed, 1 recovered/);
  expect(stdout).toMatch(/EffectObserved=True: verified on 1 of 1 targets/);
  expect(stdout).toMatch(/shop\/caller {2}recovered {2}\d+ packets dropped/);
  expect(exitCode).toBe(0);
});

test('run with a dry run says what each daemon would do, and leaves no object', async () => {
  const { exitCode, stdout } = await chaosplane(['run', '-', '--cluster', '-n', NAMESPACE, '--dry-run'], file('dry'));
  expect(stdout).toMatch(/targets: 1 of 2 pods\n {2}● shop\/caller on \w+\n {4}would be hit: /);
  expect(stdout).toMatch(/policies: none forbids it\nnodes:\n {2}✓ \w+: daemon/);
  expect(exitCode).toBe(0);
  expect(await shop.get('dry-dry-run')).toBeUndefined();
});

test('explain tells what a policy forbids, and what would happen otherwise', async () => {
  const policy = {
    ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'BlastRadiusPolicy', metadata: { name: 'quiet' } },
    spec: { scope: { namespaces: [NAMESPACE] }, actionLimits: { maxDuration: '1s' } },
  };
  await shop.cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(policy) });
  const explained = chaosplane(['explain', '-', '--cluster', '-n', NAMESPACE], file('long'));
  const { exitCode, stdout } = await explained.finally(() =>
    shop.cluster.kubectl(['delete', 'blastradiuspolicy', 'quiet']),
  );
  expect(stdout).toMatch(/● shop\/caller on \w+\n {4}would be hit if no policy forbade it: /);
  expect(stdout).toMatch(/✗ refused: policy quiet, rule maxDuration: a duration of \w+ is longer than 1s/);
  expect(exitCode).toBe(2);
  expect(await shop.get('long-dry-run')).toBeUndefined();
});

test('run with Ctrl-C ends the experiment, which recovers first, and ends with 3', async () => {
  const before = await shop.print('caller');
  const run = chaosplane(['run', '-', '--cluster', '-n', NAMESPACE], file('given-up'));
  await shop.until('given-up', isEffective);
  expect(await shop.print('caller')).not.toBe(before);
  run.kill('SIGINT');
  const { exitCode, stdout } = await run;
  expect(stdout).toContain('Aborted');
  expect(exitCode).toBe(3);
  expect(await shop.print('caller')).toBe(before);
});

test('run of an experiment that cannot be ends with 2 and says what is wrong with it', async () => {
  const unmatched = file('nobody', { target: { names: ['nowhere'] }, duration: '1s' });
  const none = await chaosplane(['run', '-', '--cluster', '-n', NAMESPACE], unmatched);
  expect([none.exitCode, none.stdout]).toEqual([2, expect.stringContaining('not among the names')]);
  const wrong = await chaosplane(['run', '-', '--cluster', '-n', NAMESPACE], file('wrong', { duration: 'soon' }));
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('spec.duration')]);
  expect(await shop.get('wrong')).toBeUndefined();
});

test('abort ends a running experiment; get and describe show it before and after', async () => {
  await shop.apply('long', (JSON.parse(file('long')) as { spec: object }).spec);
  await shop.until('long', isEffective);
  const listed = await chaosplane(['get', '--cluster', '-n', NAMESPACE]);
  expect(listed.stdout).toMatch(/shop +long +network-partition +Running +- +1\/1/);
  const aborted = await chaosplane(['abort', 'long', '-n', NAMESPACE]);
  expect([aborted.exitCode, aborted.stdout]).toEqual([0, expect.stringContaining('long: Aborted')]);
  const described = await eventually(
    'it is described as aborted',
    async () => {
      const { stdout } = await chaosplane(['describe', 'long', '-n', NAMESPACE]);
      return stdout.includes('Aborted, Inconclusive: aborted by the annotation') ? stdout : undefined;
    },
    patient,
  );
  expect(described).toMatch(/action +network-partition[^]*Recovered=True/);
});

test('doctor tells what each node of the cluster can do', async () => {
  const { stdout } = await eventually(
    'every daemon has told',
    async () => {
      const asked = await chaosplane(['doctor', '--cluster']);
      return asked.stdout.includes('no daemon has told') ? undefined : asked;
    },
    patient,
  );
  for (const node of shop.cluster.nodes) expect(stdout).toMatch(new RegExp(`[✓✗] +${node} +0\\.1\\.0 +\\d+\\.\\d+`));
  const { stdout: json, exitCode } = await chaosplane(['doctor', '--cluster', '-o', 'json']);
  type Told = { node: string; capabilities: { cannot: { action: string; notAllowed?: true }[] } };
  const told = JSON.parse(json) as Told[];
  expect(told.map(({ node }) => node).sort()).toEqual([...shop.cluster.nodes].sort());
  // What the operator carries out itself needs nothing of a node, and what is not allowed is no lack.
  const cannot = told.flatMap(({ capabilities }) => capabilities.cannot);
  const missing = cannot.flatMap(({ action, notAllowed }) => (notAllowed === true ? [] : [action]));
  const forbidden = cannot.flatMap(({ action, notAllowed }) => (notAllowed === true ? [action] : []));
  expect(forbidden).toEqual(told.map(() => 'node-restart'));
  expect(stdout).toMatch(/what is not allowed:\n {2}node-restart: .*daemon\.allowNodeRestart.* \(all nodes\)/);
  expect(missing).not.toContain('pod-kill');
  expect(exitCode).toBe(missing.length === 0 ? 0 : 1);
});

test('a name that is not there is an error that says so', async () => {
  const { exitCode, stderr } = await chaosplane(['describe', 'nothing', '-n', NAMESPACE]);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/nothing/)]);
});

test('every hypothesis with every effect ends as on one machine, and the event says the same', async () => {
  const ip = await shop.ipOf('web');
  const application = await startApplication(await addressTowards(ip));
  application.call(`http://${ip}:8080/`);
  const ended = await Promise.all(
    cells.map(async ({ hypothesis, effect, name }) => {
      const spec = { target: { names: ['web'] }, ...application.spec(hypothesis, effect, name) };
      const running = chaosplane(['run', '-', '--cluster', '-n', NAMESPACE, '-o', 'json'], file(name, spec));
      const { told, ...end } = await endedRun(running, application, name);
      expect(told).toBe(end['message']);
      const regarding = `--field-selector=regarding.name=${name},reason=${String(end['phase'])}`;
      const notes = await eventually('the event of its end', () =>
        shop.cluster.kubectl([
          'get',
          'events.events.k8s.io',
          '-n',
          NAMESPACE,
          regarding,
          '-o',
          'jsonpath={.items[*].note}',
        ]),
      );
      expect(notes).toContain(`${String(end['verdict'])}: ${String(end['message'])}`);
      return [name, end];
    }),
  ).finally(() => application.close());
  expect(Object.fromEntries(ended)).toEqual(wantedEnds());
});

test('recover --all of the cluster ends everything and lets nothing begin, until that is lifted', async () => {
  const before = await shop.print('caller');
  for (const name of ['one', 'two']) await shop.apply(name, (JSON.parse(file(name)) as { spec: object }).spec);
  for (const name of ['one', 'two']) await shop.until(name, isEffective);
  expect(await shop.print('caller')).not.toBe(before);
  const halted = await chaosplane(['recover', '--all', '--cluster']);
  expect([halted.exitCode, halted.stdout]).toEqual([
    ...[
      0,
      expect.stringMatching(/^the kill switch is on .*\n(.* not recovered yet: .*\n)*nothing is in force any more$/),
    ],
  ]);
  expect(await shop.print('caller')).toBe(before);
  expect((await shop.get('one'))?.status?.phase).toBe('Aborted');
  const refused = await chaosplane(['run', '-', '--cluster', '-n', NAMESPACE], file('three'));
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('policy chaosplane-halt, rule halt')]);
  const lifted = await chaosplane(['recover', '--lift', '--cluster']);
  expect([lifted.exitCode, lifted.stdout]).toEqual([0, 'the kill switch is off: experiments may begin']);
  const again = await chaosplane(['run', '-', '--cluster', '-n', NAMESPACE, '--duration', '1s'], file('four'));
  expect(again.stdout).toContain('four: Completed');
  expect((await chaosplane(['recover', '--cluster'])).stderr).toContain('say --all');
});
