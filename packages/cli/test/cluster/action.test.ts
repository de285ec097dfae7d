/** The GitHub Action on a cluster: what its steps do as a runner carries them out, with the command as npm brings it. */
import { access, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { VERSION } from '@chaosplane/common';
import { packNpm } from '@chaosplane/image';
import { NAMESPACE, sharedInstallation, type Installation } from '@chaosplane/testcluster/installation';
import { readAction, runAction, type ActionRun } from '../action.ts';
import { serveNpm } from '../npm-registry.ts';

jest.setTimeout(180_000);

let shop: Installation;
let workspace: string;
let registry: Awaited<ReturnType<typeof serveNpm>>;

beforeAll(async () => {
  shop = await sharedInstallation();
  await shop.addApps({ name: 'web', node: 'n1' }, { name: 'caller', node: 'n2' });
  workspace = await mkdtemp(join(tmpdir(), 'chaosplane-workspace-'));
  await mkdir(join(workspace, 'bin'));
  await symlink(process.execPath, join(workspace, 'bin/node'));
  registry = await serveNpm(await packNpm(join(workspace, 'packed'), { version: VERSION }));
}, 900_000);
afterAll(async () => {
  registry.close();
  await rm(workspace, { recursive: true, force: true });
  await shop.close();
}, 60_000);

/** The action with this experiment as its file; of inputs that are not given, what action.yml says. */
async function act(spec: object, inputs: Readonly<Record<string, string>> = {}): Promise<ActionRun> {
  const file = inputs['file'] ?? 'experiment.yaml';
  const document = {
    ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment', metadata: { name: 'in-a-job' } },
    spec: { duration: '3s', ...spec },
  };
  await writeFile(join(workspace, file), JSON.stringify(document));
  const env = {
    PATH: [join(workspace, 'bin'), process.env['PATH'] ?? ''].join(delimiter),
    KUBECONFIG: shop.cluster.kubeconfig,
    npm_config_registry: registry.url,
    npm_config_cache: join(workspace, 'npm'),
  };
  return runAction({ file, arguments: `--namespace\n${NAMESPACE}`, ...inputs }, { workspace, env });
}

/** Of UDP, on which nothing comes by. */
const partition = {
  target: { names: ['caller'] },
  action: { type: 'network-partition', parameters: { protocol: 'udp' } },
};

/** The web server is late, and has a second for its answers. */
const delay = (latency: string) => ({
  target: { names: ['web'] },
  action: { type: 'network-delay', parameters: { latency } },
  steadyState: { during: [{ type: 'http', url: 'http://web.shop.svc/', interval: '250ms', timeout: '1s' }] },
});

test('the version that it takes by itself is that of this repository', async () => {
  expect((await readAction()).inputs['version']?.default).toBe(VERSION);
});

test.each([
  ['holds: the job goes on', delay('50ms'), {}, 0, 'passed', '0'],
  ['does not hold: the job fails', delay('3s'), {}, 1, 'failed', '1'],
  ['is not known to hold: the job fails', partition, {}, 3, 'inconclusive', '3'],
  [
    'is not known to hold, where that may be: the job goes on',
    partition,
    { inconclusive: 'pass' },
    0,
    'inconclusive',
    '3',
  ],
  ['is of an experiment that is refused: the job fails', { ...partition, duration: '3' }, {}, 2, 'not-run', '2'],
])('a hypothesis that %s', async (_what, spec, inputs, exitCode, result, code) => {
  const ended = await act(spec, inputs);
  expect({ ...ended, log: '', summary: '' }).toEqual({
    ...{ exitCode, outputs: { result, 'exit-code': code } },
    ...{ log: '', summary: '' },
  });
  expect(ended.summary).toMatch(new RegExp(`^### ChaosPlane: ${result}\n\n    on the cluster `));
  const lines = ended.summary.trimEnd().split('\n').slice(2);
  expect(lines.filter((line) => !line.startsWith('    '))).toEqual([]);
  expect(ended.log.split('\n').map((line) => `    ${line}`)).toEqual(expect.arrayContaining(lines));
});

test('what a job is given is no text of a shell: names of files and arguments are taken as they are', async () => {
  const touched = (): Promise<boolean> =>
    access(join(workspace, 'touched')).then(
      () => true,
      () => false,
    );
  for (const file of ['$(touch touched).yaml', '--x`touch touched`.yaml', 'a b;touch touched']) {
    const { outputs } = await act(partition, { file, arguments: `--namespace\n${NAMESPACE}\n--dry-run` });
    expect([file, outputs['exit-code']]).toEqual([file, '0']);
  }
  const more = await act(partition, { arguments: `--namespace\n${NAMESPACE}; touch touched` });
  expect(more.outputs['result']).toBe('not-run');
  for (const [input, value] of [
    ['version', `${VERSION}; touch touched`],
    ['version', './elsewhere.tgz'],
    ['inconclusive', 'maybe'],
  ] as const) {
    const refused = await act(partition, { [input]: value });
    expect(refused).toMatchObject({
      exitCode: 2,
      log: expect.stringMatching(`^::error title=ChaosPlane::the input ${input} is`),
    });
  }
  expect(await touched()).toBe(false);
});
