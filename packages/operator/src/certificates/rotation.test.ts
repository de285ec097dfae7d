/** One authority takes the place of another: no reader is ever shown what it does not trust, however late it hears of each step. */
import { X509Certificate } from 'node:crypto';
import type { Secret } from '@chaosplane/kube';
import { expect, test } from '@jest/globals';
import { secretStore } from '../../test/secret-store.ts';
import { ROTATE_ANNOTATION } from './authorities.ts';
import { ensureCertificates, SETTLE_MS } from './ensure.ts';
import { AUTHORITY_LIFE_MS, createAuthority } from './issue.ts';
import { decode } from './secrets.ts';

const names = {
  namespace: 'chaosplane',
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
  webhookService: 'chaosplane-webhook',
};
const AUTHORITY = 'chaosplane-ca';
const [DAEMON, OPERATOR] = ['chaosplane-daemon-tls', 'chaosplane-operator-tls'];
const MINUTE_MS = 60_000;

type Cluster = ReturnType<typeof secretStore>;

const secretIn = ({ objects }: Cluster, name: string): Secret => objects.get(name)!;
const text = ({ data = {} }: Secret, key: string): string => decode(data[key]);
const certificates = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map((each) => new X509Certificate(each));
const trusts = (reader: Secret, shown: Secret): boolean =>
  certificates(text(reader, 'ca.crt')).some((authority) =>
    new X509Certificate(text(shown, 'tls.crt')).verify(authority.publicKey),
  );

function ask({ objects }: Cluster): void {
  const there = objects.get(AUTHORITY)!;
  const annotations = { ...there.metadata.annotations, [ROTATE_ANNOTATION]: '' };
  objects.set(AUTHORITY, { ...there, metadata: { ...there.metadata, annotations } });
}

/** What a reader's Secret was, from when on, and until when a reader may take it for true. */
interface Shown {
  readonly secret: Secret;
  readonly from: number;
  until: number;
}

/** Writes down what each Secret was in its time. */
function historian(cluster: Cluster): { look(at: number): void; of(name: string): readonly Shown[] } {
  const history = new Map<string, Shown[]>();
  return {
    look(at) {
      for (const [name, secret] of cluster.objects) {
        const known = history.get(name) ?? [];
        history.set(name, known);
        const last = known.at(-1);
        if (last?.secret.metadata.resourceVersion === secret.metadata.resourceVersion) continue;
        if (last !== undefined) last.until = at + SETTLE_MS;
        known.push({ secret, from: at, until: Infinity });
      }
    },
    of: (name) => history.get(name) ?? [],
  };
}

test('three rotations: regardless of what each side has heard of, each trusts what the other one shows', async () => {
  const cluster = secretStore();
  const history = historian(cluster);
  let at = 0;
  const run = async (): Promise<string> => {
    cluster.at(at);
    const { [AUTHORITY]: became = '' } = await ensureCertificates(cluster, names);
    history.look(at);
    return became;
  };
  await run();
  const first = text(secretIn(cluster, AUTHORITY), 'tls.crt');
  const steps: string[] = [];
  for (let rotation = 0; rotation < 3; rotation += 1) {
    ask(cluster);
    for (let minute = 0; minute < 20; minute += 1) {
      at += MINUTE_MS;
      const became = await run();
      if (became !== 'kept') steps.push(became);
    }
  }
  expect(steps).toEqual([1, 2, 3].flatMap(() => ['announced', 'signing', 'retired']));
  const [operators, daemons] = [history.of(OPERATOR), history.of(DAEMON)];
  let met = 0;
  for (const one of operators) {
    for (const other of daemons) {
      if (one.from >= other.until || other.from >= one.until) continue;
      met += 1;
      expect([trusts(one.secret, other.secret), trusts(other.secret, one.secret)]).toEqual([true, true]);
    }
  }
  // There were pairs of which one side was ahead, and the other way round.
  expect(met).toBeGreaterThan(2 * operators.length);
  const authority = secretIn(cluster, AUTHORITY);
  expect(certificates(text(secretIn(cluster, DAEMON), 'ca.crt'))).toHaveLength(1);
  expect(text(authority, 'tls.crt')).not.toBe(first);
  expect(Object.keys(authority.data ?? {}).toSorted()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
});

test('a certificate that is good stays while its authority is only joined by another', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  const before = text(secretIn(cluster, DAEMON), 'tls.crt');
  ask(cluster);
  expect(await ensureCertificates(cluster, names)).toMatchObject({ [AUTHORITY]: 'announced', [DAEMON]: 'told' });
  expect(text(secretIn(cluster, DAEMON), 'tls.crt')).toBe(before);
  expect(certificates(text(secretIn(cluster, DAEMON), 'ca.crt'))).toHaveLength(2);
  expect(secretIn(cluster, AUTHORITY).metadata.annotations).not.toHaveProperty([ROTATE_ANNOTATION]);
});

test('no step is taken before the Secrets of all readers have said so for long enough, also when a run was killed', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  ask(cluster);
  const dying = { ...cluster, client: { ...cluster.client, replace: failingAt(cluster, OPERATOR) } };
  await expect(ensureCertificates(dying, names)).rejects.toThrow('killed');
  cluster.at(10 * SETTLE_MS);
  expect(await ensureCertificates(cluster, names)).toMatchObject({ [AUTHORITY]: 'kept', [OPERATOR]: 'told' });
  cluster.at(11 * SETTLE_MS - MINUTE_MS);
  expect(await ensureCertificates(cluster, names)).toMatchObject({ [AUTHORITY]: 'kept' });
  cluster.at(11 * SETTLE_MS);
  expect(await ensureCertificates(cluster, names)).toMatchObject({ [AUTHORITY]: 'signing', [OPERATOR]: 'replaced' });
});

/** `replace`, as a program has it that is killed before it writes that Secret. */
function failingAt({ client }: Cluster, name: string): Cluster['client']['replace'] {
  const replace: Cluster['client']['replace'] = async (type, object, options) => {
    if (object.metadata.name === name) throw new Error('killed');
    return client.replace(type, object, options);
  };
  return replace;
}

test('two programs at once take one step', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  ask(cluster);
  const both = await Promise.all([ensureCertificates(cluster, names), ensureCertificates(cluster, names)]);
  expect(both.map((each) => each[AUTHORITY]).toSorted()).toEqual(['announced', 'kept']);
});

test('an authority in the last third of its life is replaced without being asked for', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  cluster.at((AUTHORITY_LIFE_MS * 7) / 10);
  expect(await ensureCertificates(cluster, names)).toMatchObject({ [AUTHORITY]: 'announced' });
});

test('an authority that was announced and cannot sign does not come to sign', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  ask(cluster);
  await ensureCertificates(cluster, names);
  const there = secretIn(cluster, AUTHORITY);
  const { key } = await createAuthority({ now: Date.now() });
  const data = { ...there.data, 'next.key': Buffer.from(key).toString('base64') };
  cluster.objects.set(AUTHORITY, { ...there, data });
  cluster.at(2 * SETTLE_MS);
  expect(await ensureCertificates(cluster, names)).toMatchObject({ [AUTHORITY]: 'announced' });
  cluster.at(4 * SETTLE_MS);
  expect(await ensureCertificates(cluster, names)).toMatchObject({ [AUTHORITY]: 'signing' });
});
