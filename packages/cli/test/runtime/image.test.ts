/** The command inside the daemon's image: what `kubectl exec` runs, in a root folder that has nothing but the image. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { startDaemon, type RunningDaemon } from '@chaosplane/daemon';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { createTestbed, differences, fingerprint, type Pod, type Testbed } from '@chaosplane/testbed';
import { execa } from 'execa';
import { createChannel, createClient } from 'nice-grpc';
import { lockFolder } from '@chaosplane/daemon/folder-lock';
import { layOutDaemonImage } from './image-root.ts';

let testbed: Testbed;
let image: string;
let web: Pod;
let daemon: RunningDaemon;
let before: string;

/** Where the chart's daemon has its socket, as the container sees it. */
const SOCKET = 'run/chaosplane/daemon.sock';

beforeAll(async () => {
  testbed = await createTestbed();
  image = await mkdtemp(join(tmpdir(), 'chaosplane-image-'));
  await layOutDaemonImage(image);
  web = await testbed.runPod({ name: 'web', containers: [{ name: 'web', args: ['pause'] }] });
  before = await fingerprint(web.netnsPath!);
}, 180_000);

beforeEach(async () => {
  const places = { socketPath: join(image, SOCKET), stateDir: stateDir(), runtimeEndpoint: testbed.runtimeEndpoint };
  daemon = await startDaemon(places, { logger: createLogger({ level: 'silent' }) });
});
afterEach(() => daemon.stop());

afterAll(async () => {
  await testbed.close();
  await rm(image, { recursive: true, force: true });
}, 120_000);

const stateDir = (): string => join(image, 'var/lib/chaosplane');

const inside = (...args: string[]) =>
  execa('chroot', [image, 'chaosplane', ...args], {
    reject: false,
    extendEnv: false,
    env: { PATH: '/usr/sbin:/usr/bin' },
  });

/** What the chart mounts, and the runtime's socket; gone with the process. As by the chart, a folder that is missing is made. */
const MOUNTS = ['/dev', '/proc', '/sys', '/run/netns'];

/** The same with what the pod of the daemon has besides: it may have to do the daemon's work. */
function insidePod(...args: string[]) {
  const mounts = [...MOUNTS, testbed.folder].map(
    (path) => `mkdir -p ${path} ${image}${path}; mount --rbind ${path} ${image}${path}`,
  );
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', CHAOSPLANE_RUNTIME_ENDPOINT: testbed.runtimeEndpoint };
  const script = `set -e; ${mounts.join('; ')}; exec chroot ${image} chaosplane "$@"`;
  return execa('unshare', ['--mount', 'sh', '-c', script, 'sh', ...args], { reject: false, extendEnv: false, env });
}

async function partition(peer: string): Promise<string> {
  const channel = createChannel(`unix://${join(image, SOCKET)}`);
  try {
    const parameters = { podName: 'web', targetCidr: `${peer}/32` };
    const client = createClient(ChaosDaemonDefinition, channel);
    return (await client.execNetworkChaos({ action: 'partition', parameters })).executionId;
  } finally {
    channel.close();
  }
}

test('lists, cancels and recovers what is in force on its node, by the socket alone', async () => {
  const first = await partition('10.99.0.1');
  const second = await partition('10.99.0.2');
  const listed = await inside('list');
  expect(listed).toMatchObject({ exitCode: 0, stderr: 'on this machine' });
  expect(listed.stdout).toMatch(new RegExp(`^ID .*\n${first} +default/web +active.*\n${second} `));
  expect(await inside('cancel', first)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(first) });
  const recovered = await inside('recover', '--all');
  expect(recovered).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/\n1 undone$/) });
  expect(recovered.stdout).toContain(second);
  expect(await inside('list')).toMatchObject({ exitCode: 0, stdout: 'no executions' });
  expect(differences(before, await fingerprint(web.netnsPath!))).toEqual([]);
}, 120_000);

test('without a daemon that answers, it says so and what to do; recover does the work of the daemon itself', async () => {
  const id = await partition('10.99.0.3');
  await daemon.stop();
  const why = `no daemon answers on /${SOCKET}: chaosplane recover --all undoes what an earlier one left`;
  for (const words of [['list'], ['cancel', id]])
    expect(await inside(...words)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(why) });
  expect(differences(before, await fingerprint(web.netnsPath!))).not.toEqual([]);
  const unlock = await lockFolder(stateDir());
  const held = await insidePod('recover', '--all');
  await unlock();
  expect(held).toMatchObject({ exitCode: 2, stdout: '' });
  expect(held.stderr).toContain(`process ${process.pid} has the journal in /var/lib/chaosplane: if it still starts`);
  const recovered = await insidePod('recover', '--all');
  expect(recovered.stderr).toContain('this process undoes what the journal in /var/lib/chaosplane knows');
  expect(recovered).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/\n1 undone$/) });
  expect(differences(before, await fingerprint(web.netnsPath!))).toEqual([]);
}, 120_000);
