/** Where the daemons are found on a cluster, and who may command them: real names, certificates and tokens. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { ChannelCredentials, createChannel, createClient, Metadata, Status } from 'nice-grpc';
import { createAuthority, issueClient, issueServer, type Pair } from '../../src/certificates/issue.ts';
import {
  patient,
  install,
  isEffective,
  NAMESPACE,
  SYSTEM,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

jest.setTimeout(180_000);

const DOTTED = 'node.with.dots';
const ACCOUNT = 'chaosplane-operator';
const AUDIENCE = 'chaosplane-daemon';

let shop: Installation;

beforeAll(async () => {
  shop = await install();
}, 900_000);
afterAll(() => shop.close(), 60_000);

const domain = (label: string): string => `${label}.chaosplane-daemon.${SYSTEM}.svc.cluster.local`;

/** The daemon's pod on a node: its name and address, once it has one. */
async function daemonOf(node: string): Promise<{ readonly name: string; readonly ip: string } | undefined> {
  const selector = ['-l', 'app.kubernetes.io/component=daemon', `--field-selector=spec.nodeName=${node}`];
  const printed = await shop.cluster.kubectl(['get', 'pods', '-n', SYSTEM, ...selector, '-o', 'json']);
  const { items } = JSON.parse(printed) as {
    items: { metadata: { name: string; deletionTimestamp?: string }; status: { podIP?: string } }[];
  };
  const found = items.find(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.podIP);
  return found === undefined ? undefined : { name: found.metadata.name, ip: found.status.podIP ?? '' };
}

/** What cluster DNS answers in the operator's pod; undefined for no answer. */
async function resolveInOperator(name: string): Promise<string | undefined> {
  const program = `require('node:dns').lookup(${JSON.stringify(name)}, (error, address) => console.log(address ?? ''))`;
  const command = ['exec', '-n', SYSTEM, `deployment/${ACCOUNT}`, '--', 'node', '-e', program];
  const address = await shop.cluster.kubectl(command);
  return address === '' ? undefined : address;
}

/** Resolves as soon as the name leads there; five seconds, and what one look costs on a busy machine. */
async function leadsTo(label: string, ip: string): Promise<void> {
  const look = async (): Promise<true | undefined> =>
    (await resolveInOperator(domain(label))) === ip ? true : undefined;
  await look();
  await eventually(`${domain(label)} is ${ip}`, look, { ...patient, withinMs: 5_000 });
}

describe('the name of a node', () => {
  test('leads to its daemon', async () => {
    for (const node of ['n1', 'n2']) await leadsTo(node, (await daemonOf(node))?.ip ?? '?');
  });

  test('leads to the new daemon after a restart', async () => {
    const before = await daemonOf('n1');
    await shop.cluster.kubectl(['delete', 'pod', '-n', SYSTEM, before?.name ?? '', '--wait=false']);
    const after = await eventually(
      'there is a new daemon',
      async () => {
        const found = await daemonOf('n1');
        return found?.name === before?.name ? undefined : found;
      },
      patient,
    );
    expect(after.ip).not.toBe(before?.ip);
    await leadsTo('n1', after.ip);
  });

  test('that is added while the operator runs leads to its daemon, with dashes for its dots', async () => {
    await shop.cluster.addNode(DOTTED);
    const added = await eventually('there is a daemon', () => daemonOf(DOTTED), patient);
    await leadsTo('node-with-dots', added.ip);
  });

  test('with dots is where experiments are carried out as on every other node', async () => {
    await shop.addApps({ name: 'dotted', node: DOTTED });
    await shop.cluster.kubectl(['rollout', 'status', 'daemonset/chaosplane-daemon', '-n', SYSTEM, '--timeout=60s']);
    const action = { type: 'network-partition', parameters: { peers: '192.0.2.1' } };
    await shop.apply('dotted', { target: { names: ['dotted'] }, action, duration: '1s' });
    const over = await shop.until('dotted', ({ status }) => status?.endedAt !== undefined);
    expect(over.status).toMatchObject({ phase: 'Completed', counts: { injected: 0, recovered: 1, missed: 0 } });
  });
});

describe('a command to a daemon', () => {
  interface Caller {
    readonly certificate?: Pair;
    readonly token?: string;
  }

  let operator: Pair;
  let daemon: Pair;
  let ca: string;
  let token: string;
  let address: string;
  let before: string;

  async function secret(name: string, key: string): Promise<string> {
    const path = `jsonpath={.data.${key.replace('.', '\\.')}}`;
    const encoded = await shop.cluster.kubectl(['get', 'secret', name, '-n', SYSTEM, '-o', path]);
    return Buffer.from(encoded, 'base64').toString();
  }
  const pairOf = async (name: string): Promise<Pair> => ({
    certificate: await secret(name, 'tls.crt'),
    key: await secret(name, 'tls.key'),
  });
  const tokenOf = (account: string, audience: string): Promise<string> =>
    shop.cluster.kubectl(['create', 'token', account, '-n', SYSTEM, '--audience', audience]);

  beforeAll(async () => {
    [operator, daemon] = await Promise.all([pairOf('chaosplane-operator-tls'), pairOf('chaosplane-daemon-tls')]);
    ca = await secret('chaosplane-operator-tls', 'ca.crt');
    token = await tokenOf(ACCOUNT, AUDIENCE);
    await shop.addApps({ name: 'victim', node: 'n2' });
    address = `${(await daemonOf('n2'))?.ip ?? ''}:50051`;
  });
  beforeEach(async () => {
    before = await shop.print('victim');
  });

  /** Asks for a partition of the victim; resolves with the status of the call. */
  async function command({ certificate, token: bearer }: Caller): Promise<string> {
    const own = certificate === undefined ? [] : [createPrivateKey(certificate.key), certificate.certificate];
    const [key, chain] = own.map((part) =>
      Buffer.from(typeof part === 'string' ? part : part.export({ type: 'pkcs8', format: 'pem' })),
    );
    const channel = createChannel(address, ChannelCredentials.createSsl(Buffer.from(ca), key, chain), {
      'grpc.ssl_target_name_override': domain('n2'),
      'grpc.use_local_subchannel_pool': 1,
    });
    try {
      const metadata = Metadata(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` });
      const parameters = { podName: 'victim', podNamespace: NAMESPACE, peers: '192.0.2.1' };
      const request = { experimentId: 'by-hand', action: 'partition', parameters };
      const { executionId } = await createClient(ChaosDaemonDefinition, channel).execNetworkChaos(request, {
        metadata,
      });
      await createClient(ChaosDaemonDefinition, channel).cancelChaos({ executionId }, { metadata });
      return 'OK';
    } catch (error) {
      return Status[(error as { code: Status }).code];
    } finally {
      channel.close();
    }
  }

  async function refused(caller: Caller, status: string): Promise<void> {
    const executions = await shop.executionsOn('n2');
    expect(await command(caller)).toBe(status);
    expect(await shop.executionsOn('n2')).toEqual(executions);
    expect(await shop.print('victim')).toBe(before);
  }

  test("with the operator's certificate and token is carried out", async () => {
    expect(await command({ certificate: operator, token })).toBe('OK');
    expect(await shop.print('victim')).toBe(before);
  });

  test('without a certificate ends in the handshake', () => refused({ token }, 'UNAVAILABLE'));

  test('with a certificate of another authority ends in the handshake', async () => {
    const names = { commonName: ACCOUNT, dnsNames: [`${ACCOUNT}.${SYSTEM}.svc`], now: Date.now() };
    const certificate = await issueClient(await createAuthority(names), names);
    await refused({ certificate, token }, 'UNAVAILABLE');
  });

  test("with the daemon's own certificate ends in the handshake", () =>
    refused({ certificate: daemon, token }, 'UNAVAILABLE'));

  test('without a token is not authenticated', () => refused({ certificate: operator }, 'UNAUTHENTICATED'));

  test("with another service account's token is not permitted", async () => {
    await refused({ certificate: operator, token: await tokenOf('default', AUDIENCE) }, 'PERMISSION_DENIED');
  });

  test('with a token for another audience is not authenticated', async () => {
    const issuer = await shop.cluster.kubectl(['get', '--raw', '/.well-known/openid-configuration']);
    const own = (JSON.parse(issuer) as { issuer: string }).issuer;
    await refused({ certificate: operator, token: await tokenOf(ACCOUNT, own) }, 'UNAUTHENTICATED');
  });

  test('goes on when a certificate that ends soon is renewed by the CronJob', async () => {
    const { subjectAltName = '' } = new X509Certificate(daemon.certificate);
    const dnsNames = subjectAltName.split(', ').map((name) => name.replace('DNS:', ''));
    const soon = { commonName: 'chaosplane-daemon', dnsNames, now: Date.now(), lifeMs: 24 * 3600_000 };
    const ending = await issueServer(await pairOf('chaosplane-ca'), soon);
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const data = { 'tls.crt': base64(ending.certificate), 'tls.key': base64(ending.key) };
    const inSystem = (...argv: string[]): Promise<string> => shop.cluster.kubectl([...argv, '-n', SYSTEM]);
    await inSystem('patch', 'secret', 'chaosplane-daemon-tls', '--type=merge', '-p', JSON.stringify({ data }));

    await inSystem('create', 'job', 'renew-now', '--from=cronjob/chaosplane-certificates-renewal');
    await inSystem('wait', 'job/renew-now', '--for=condition=complete', '--timeout=90s');

    const renewed = new X509Certificate(await secret('chaosplane-daemon-tls', 'tls.crt'));
    expect(renewed.subjectAltName).toBe(subjectAltName);
    expect(renewed.validToDate.getTime() - Date.now()).toBeGreaterThan(300 * 24 * 3600_000);
    // One that was good is left alone.
    expect(await pairOf('chaosplane-operator-tls')).toEqual(operator);
    expect(await command({ certificate: operator, token })).toBe('OK');
    await inSystem('delete', 'job', 'renew-now');
  });
});

describe("the command inside the daemon's pod", () => {
  const partition = { type: 'network-partition', parameters: { peers: '192.0.2.1' } };
  const inDaemon = async (...argv: readonly string[]): Promise<string> => {
    const { name } = (await daemonOf('n1')) ?? { name: '' };
    return shop.cluster.kubectl(['exec', '-n', SYSTEM, name, '--', 'chaosplane', ...argv]);
  };
  const listed = async (): Promise<string[]> => {
    const executions = JSON.parse(await inDaemon('list', '-o', 'json')) as { executionId: string }[];
    return executions.map(({ executionId }) => executionId);
  };

  test('lists, cancels and recovers what the operator has injected', async () => {
    await shop.addApps({ name: 'inside', node: 'n1' });
    const before = await shop.print('inside');
    for (const way of ['cancel', 'recover']) {
      await shop.apply(way, { target: { names: ['inside'] }, action: partition, duration: '10m' });
      await shop.until(way, isEffective);
      expect(await shop.print('inside')).not.toBe(before);
      const [id = '', ...more] = await listed();
      expect(more).toEqual([]);
      await (way === 'cancel' ? inDaemon('cancel', id) : inDaemon('recover', '--all'));
      expect(await listed()).toEqual([]);
      expect(await shop.print('inside')).toBe(before);
      await shop.remove(way);
    }
  });
});
