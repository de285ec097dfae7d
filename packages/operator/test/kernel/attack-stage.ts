/** A daemon as the chart starts it, its operator, who calls it all the while, and an attacker in a network namespace of its own. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLab, ip, startFlooder, startProgram, type Flooder, type Program } from '@chaosplane/testkit';
import { execa } from 'execa';
import { createAuthority, issueClient, issueServer, type Pair } from '../../src/certificates/issue.ts';
import { leavesOf } from '../../src/certificates/secrets.ts';
import { startRotationCaller, type RotationCaller } from '../rotation-caller.ts';
import { NAMES } from './rotation-stage.ts';

const ACCOUNT = 'system:serviceaccount:chaos:chaosplane-operator';
/** As those of service accounts, it says until when it is good: a late answer of the API server is bridged by what it said before. */
const TOKEN = ['none', { exp: Math.floor(Date.now() / 1000) + 3600 }, 'operator']
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.');
const REVIEWS = '6443';

/** Addresses of the attacker besides the one that its kernel takes. */
export const ATTACKERS = Array.from({ length: 16 }, (_, index) => `10.77.0.${101 + index}`);

/** Files of an identity, PEM. */
export interface IdentityFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Who may try to command the daemon. */
export type Attacker = 'operator' | 'expired' | 'early' | 'stranger' | 'insider' | 'daemon' | 'webhook';

export interface AttackStage {
  readonly daemon: Program;
  readonly host: string;
  readonly operator: RotationCaller;
  /** In the attacker's namespace. */
  flooder(): Flooder;
  readonly identities: Readonly<Record<Attacker, IdentityFiles>>;
  /** The status of one call with these, from the attacker's namespace. */
  call(identity: IdentityFiles | undefined, token?: string): Promise<string>;
}

export const OPERATORS_TOKEN = TOKEN;

export async function openAttackStage(stack: AsyncDisposableStack): Promise<AttackStage> {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-attacks-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const lab = createLab({ peers: 2 });
  stack.defer(async () => lab.close());
  const { authority, identities } = await issueAll(folder);
  const { daemon, operator: own } = identities;
  await reviewerIn(lab.target.path, { folder, authority, stack });
  const program = await startProgram({
    netns: lab.target.path,
    file: 'packages/daemon/src/main.ts',
    argv: [
      ...['--listen=:50051', '--node-name=node', `--client-name=${clientName()}`],
      ...[`--tls-cert=${daemon.certificate}`, `--tls-key=${daemon.key}`, `--tls-client-ca=${authority}`],
      ...[`--token-service-account=${ACCOUNT}`, `--api-server=https://localhost:${REVIEWS}`],
      ...[`--api-credentials=${join(folder, 'serviceaccount')}`],
      ...[`--state-dir=${join(folder, 'state')}`, `--socket=${join(folder, 'run/daemon.sock')}`],
    ],
    ready: /daemon serving/,
  });
  stack.defer(() => program.stop());
  const address = `${lab.target.ipv4}:50051`;
  const name = `node.${NAMES.daemonService}.${NAMES.namespace}.svc.${NAMES.clusterDomain}`;
  const tls = join(folder, 'operator-files');
  await mkdir(tls);
  await copyFile(own.certificate, join(tls, 'tls.crt'));
  await copyFile(own.key, join(tls, 'tls.key'));
  await copyFile(authority, join(tls, 'ca.crt'));
  await writeFile(join(tls, 'token'), TOKEN);
  const operator = startRotationCaller({ netns: lab.peer(0).path, address, name, tls, token: join(tls, 'token') });
  stack.defer(() => operator.close());
  // Not what others do on this machine is measured: these two come before it.
  for (const { pid } of [program, operator]) setPriority(pid, -15);
  const attacker = lab.peer(1).path;
  for (const address of ATTACKERS) ip('-n', lab.peer(1).name, 'address', 'add', `${address}/24`, 'dev', 'eth0');
  return {
    daemon: program,
    host: lab.target.ipv4,
    operator,
    flooder() {
      const flooder = startFlooder(attacker);
      stack.defer(() => flooder.close());
      return flooder;
    },
    identities,
    async call(identity, token = '') {
      const { certificate = '', key = '' } = identity ?? {};
      const argv = [`${import.meta.dirname}/one-call.main.ts`, address, name, authority, certificate, key, token];
      const env = { NODE_OPTIONS: '' };
      return (await execa('nsenter', [`--net=${attacker}`, process.execPath, ...argv], { env })).stdout;
    },
  };
}

const clientName = (): string => leavesOf(NAMES)[1]?.dnsNames[0] ?? '';

const DAY_MS = 24 * 3600_000;

async function issueAll(folder: string) {
  const now = Date.now();
  const files = async (name: string, pair: Pair): Promise<IdentityFiles> => {
    const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
    await writeFile(certificate, pair.certificate);
    await writeFile(key, pair.key, { mode: 0o600 });
    return { certificate, key };
  };
  const [ours, other] = [await createAuthority({ now }), await createAuthority({ now })];
  const { certificate: authority } = await files('authority', ours);
  const [daemonLeaf, , webhookLeaf] = leavesOf({ ...NAMES, webhookService: 'chaosplane-webhook' });
  const named = { commonName: 'chaosplane-operator', dnsNames: [clientName()], now };
  const server = { commonName: 'server', now };
  const identities: Record<Attacker, IdentityFiles> = {
    operator: await files('operator', await issueClient(ours, named)),
    expired: await files('expired', await issueClient(ours, { ...named, now: now - 2 * DAY_MS, lifeMs: DAY_MS })),
    early: await files('early', await issueClient(ours, { ...named, now: now + DAY_MS })),
    stranger: await files('stranger', await issueClient(other, named)),
    insider: await files('insider', await issueClient(ours, { ...named, dnsNames: ['other.chaos.svc'] })),
    daemon: await files('daemon', await issueServer(ours, { ...server, dnsNames: daemonLeaf?.dnsNames ?? [] })),
    webhook: await files('webhook', await issueServer(ours, { ...server, dnsNames: webhookLeaf?.dnsNames ?? [] })),
  };
  await files('reviewer', await issueServer(ours, { ...server, dnsNames: ['localhost'] }));
  return { authority, identities };
}

/** The one that the daemon asks about tokens. */
async function reviewerIn(
  netns: string,
  {
    folder,
    authority,
    stack,
  }: { readonly folder: string; readonly authority: string; readonly stack: AsyncDisposableStack },
): Promise<void> {
  const credentials = join(folder, 'serviceaccount');
  await mkdir(credentials);
  await writeFile(join(credentials, 'token'), 'token-of-the-daemon');
  await copyFile(authority, join(credentials, 'ca.crt'));
  const reviewer = await startProgram({
    netns,
    file: 'packages/operator/test/kernel/reviewer.main.ts',
    argv: [join(folder, 'reviewer.crt'), join(folder, 'reviewer.key'), REVIEWS, ACCOUNT, TOKEN],
    ready: /reviewing/,
  });
  stack.defer(() => reviewer.stop());
}
