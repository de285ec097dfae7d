/** The verdict of each kind of experiment, from `chaosplane run` on this machine: what it says, and its exit code. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestbed, runtimeOf, type Testbed } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit/eventually';
import { execa } from 'execa';
import { cells, endedRun, startApplication, wantedEnds, type Application } from '../verdict-table.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

let testbed: Testbed;
let folder: string;
let application: Application;
let daemon: ReturnType<typeof chaosplane>;
let options: readonly string[];

beforeAll(async () => {
  const runtime = runtimeOf(process.env);
  testbed = await createTestbed(runtime === undefined ? {} : { runtime });
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-verdicts-'));
  const web = await testbed.runPod({ name: 'web', containers: [{ name: 'web', args: ['serve'] }] });
  application = await startApplication('127.0.0.1');
  application.call(`http://${web.ips.v4}:8080/`);
  options = ['--socket', join(folder, 'run', 'daemon.sock'), '--state-dir', join(folder, 'state')];
  options = [...options, '--runtime-endpoint', testbed.runtimeEndpoint];
  daemon = chaosplane(['daemon']);
  await eventually('the daemon answers', async () => {
    const { exitCode } = await chaosplane(['list']);
    return exitCode === 0;
  });
}, 180_000);
afterAll(async () => {
  daemon.kill('SIGTERM');
  await daemon;
  application.close();
  await testbed.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function chaosplane(argv: readonly string[], input = '') {
  const own = argv[0] === 'list' ? options.slice(0, 2) : options;
  const command = ['--disable-warning=ExperimentalWarning', main, ...argv, ...own];
  return execa(process.execPath, command, { input, reject: false, env: { NODE_OPTIONS: '' } });
}

test('every hypothesis with every effect ends with its phase, its verdict, its words and its exit code', async () => {
  const ended = await Promise.all(
    cells.map(async ({ hypothesis, effect, name }) => {
      const spec = { target: { names: ['web'] }, ...application.spec(hypothesis, effect, name) };
      const document = {
        apiVersion: 'chaos.chaosplane.io/v1alpha1',
        kind: 'ChaosExperiment',
        metadata: { name },
        spec,
      };
      const running = chaosplane(['run', '-', '-o', 'json'], JSON.stringify(document));
      const { told, ...end } = await endedRun(running, application, name);
      expect(told).toBe(end['message']);
      return [name, end];
    }),
  );
  expect(Object.fromEntries(ended)).toEqual(wantedEnds());
}, 180_000);
