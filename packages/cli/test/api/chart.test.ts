/** What `kubectl exec` starts in the daemon's container has the daemon's own settings, as helm renders the chart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { engineOption, runtimeOption, stateDirOption } from '@chaosplane/daemon/flags';
import { execa } from 'execa';
import { parse } from 'yaml';
import { extractKubectlAndHelm } from '@chaosplane/testcluster';

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-chart-'));
  await extractKubectlAndHelm(folder);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

/** The container of the daemon, with these values set. */
async function daemonWith(...values: readonly string[]): Promise<Container> {
  const argv = [
    'template',
    CHART,
    '-s',
    'templates/daemon/daemonset.yaml',
    ...values.flatMap((each) => ['--set', each]),
  ];
  const { stdout } = await execa(join(folder, 'helm'), argv, { env: { HELM_CACHE_HOME: folder } });
  const set = parse(stdout) as { spec: { template: { spec: { containers: [Container] } } } };
  return set.spec.template.spec.containers[0];
}

test('state folder, runtime endpoint and engine are in the environment, where both programs look for them', async () => {
  const { args, env } = await daemonWith('daemon.runtimeEndpoint=unix:///run/own.sock', 'daemon.networkEngine=tap');
  const values = new Map(env.map(({ name, value }) => [name, value]));
  const settings = [stateDirOption, runtimeOption, engineOption];
  expect(settings.map(({ envVar = '' }) => values.get(envVar))).toEqual([
    '/var/lib/chaosplane',
    'unix:///run/own.sock',
    'tap',
  ]);
  // An argument would win over the environment, and be the daemon's alone.
  for (const { long = '' } of settings) expect(args.filter((each) => each.startsWith(long))).toEqual([]);
});

test('an endpoint that the values do not set is not there, so that it is looked for', async () => {
  const { env } = await daemonWith();
  expect(env.map(({ name }) => name)).not.toContain(runtimeOption.envVar);
});
