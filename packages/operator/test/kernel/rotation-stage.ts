/** A real daemon, who calls it, and the Secrets of both, which reach each of them as a kubelet brings them. */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLab, eventually, startProgram, type Program } from '@chaosplane/testkit';
import { ensureCertificates, type Ensured } from '../../src/certificates/index.ts';
import { leavesOf } from '../../src/certificates/secrets.ts';
import { startRotationCaller, type RotationCaller } from '../rotation-caller.ts';
import { secretStore } from '../secret-store.ts';

export const NAMES = {
  namespace: 'chaos',
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
};

/** One side: the daemon, or who calls it. */
export type Side = 'daemon' | 'operator';

export interface RotationStage {
  readonly secrets: ReturnType<typeof secretStore>;
  readonly daemon: Program;
  /** What the Job of the chart does. */
  ensure(): Promise<Ensured>;
  /** Brings a side its Secret; resolves when it has heard of it. */
  bring(side: Side): Promise<void>;
  /** What came of the calls. */
  readonly ask: RotationCaller['ask'];
}

const HEARD = /certificates reloaded/;

/** Starts both in namespaces of their own. What they need is removed with the stack. */
export async function openRotationStage(stack: AsyncDisposableStack): Promise<RotationStage> {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-rotation-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const lab = createLab();
  stack.defer(async () => lab.close());
  const secrets = secretStore();
  const ensure = () => ensureCertificates(secrets, NAMES, { settleMs: 0 });
  await ensure();
  let serial = 0;
  const mounted = (side: Side): string => join(folder, side);
  /** As the kubelet's atomic writer: a new folder beside, then one rename of the link that all files go through. */
  const write = async (side: Side): Promise<void> => {
    const [next, { data = {} }] = [`..${(serial += 1)}`, secrets.objects.get(`chaosplane-${side}-tls`) ?? {}];
    await mkdir(join(mounted(side), next), { recursive: true });
    for (const [key, value] of Object.entries(data))
      await writeFile(join(mounted(side), next, key), Buffer.from(value, 'base64'), { mode: 0o600 });
    await symlink(next, join(mounted(side), '..data_tmp'));
    await rename(join(mounted(side), '..data_tmp'), join(mounted(side), '..data'));
  };
  for (const side of ['daemon', 'operator'] as const) {
    await write(side);
    for (const key of ['tls.crt', 'tls.key', 'ca.crt']) await symlink(join('..data', key), join(mounted(side), key));
  }
  await writeFile(join(mounted('operator'), 'token'), 'not reviewed here');

  const [operatorName = ''] = leavesOf(NAMES)[1]?.dnsNames ?? [];
  const tls = (flag: string, key: string): string => `--tls-${flag}=${join(mounted('daemon'), key)}`;
  const daemon = await startProgram({
    netns: lab.target.path,
    file: 'packages/daemon/src/main.ts',
    argv: [
      ...['--listen=:50051', '--node-name=node', `--client-name=${operatorName}`],
      ...[tls('cert', 'tls.crt'), tls('key', 'tls.key'), tls('client-ca', 'ca.crt')],
      ...[`--state-dir=${join(folder, 'state')}`, `--socket=${join(folder, 'run/daemon.sock')}`],
    ],
    ready: /daemon serving/,
  });
  stack.defer(() => daemon.stop());
  const name = `node.${NAMES.daemonService}.${NAMES.namespace}.svc.${NAMES.clusterDomain}`;
  const caller = startRotationCaller({
    netns: lab.peer(0).path,
    address: `${lab.target.ipv4}:50051`,
    name,
    tls: mounted('operator'),
    token: join(mounted('operator'), 'token'),
  });
  stack.defer(() => caller.close());
  return {
    secrets,
    daemon,
    ensure,
    ask: caller.ask,
    async bring(side) {
      const heard = async (): Promise<number> =>
        side === 'daemon' ? daemon.logged(HEARD) : (await caller.peek()).generation;
      const before = await heard();
      await write(side);
      await eventually(`${side} has heard of it`, async () => (await heard()) > before, { withinMs: 60_000 });
    },
  };
}
