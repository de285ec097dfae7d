import { createLogger, systemClock } from '@chaosplane/common';
import { KubeError, type KubeClient, type Secret } from '@chaosplane/kube';
import { expect, test } from '@jest/globals';
import { ensureCertificates, removeCertificates, type CertificateParts } from './ensure.ts';
import { createAuthority } from './issue.ts';
import { secretNames, secretOf } from './secrets.ts';

const names = {
  namespace: 'chaosplane',
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
  webhookService: 'chaosplane-webhook',
};
const ALL: readonly string[] = secretNames;
const all = (state: string) => Object.fromEntries(ALL.map((name) => [name, state]));

/** Secrets kept in memory, with the API server's rules: a name is created once, and only what was read is replaced. */
function store(): CertificateParts & {
  readonly client: Pick<KubeClient, 'delete'>;
  readonly objects: Map<string, Secret>;
  at(ms: number): void;
} {
  const objects = new Map<string, Secret>();
  let version = 0;
  let offset = 0;
  const keep = (object: Secret): Secret => {
    version += 1;
    const kept = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    objects.set(object.metadata.name, kept);
    return kept;
  };
  const client: CertificateParts['client'] & Pick<KubeClient, 'delete'> = {
    delete: async (_type, { name }) => (objects.delete(name) ? 'deleted' : 'gone'),
    get: (async (_type, { name }) => objects.get(name)) as KubeClient['get'],
    create: (async (_type, created) => {
      const object = created as unknown as Secret;
      if (objects.has(object.metadata.name)) throw new KubeError(409, 'AlreadyExists', 'it is there');
      return keep(object);
    }) as KubeClient['create'],
    replace: (async (_type, replaced) => {
      const object = replaced as unknown as Secret;
      const there = objects.get(object.metadata.name);
      if (there?.metadata.resourceVersion !== object.metadata.resourceVersion) {
        throw new KubeError(409, 'Conflict', 'it has changed');
      }
      return keep(object);
    }) as KubeClient['replace'],
  };
  const clock = { ...systemClock, now: () => Date.now() + offset };
  return { client, clock, logger: createLogger({ level: 'silent' }), objects, at: (ms) => (offset = ms) };
}

test('the first installation gets an authority and two certificates', async () => {
  const cluster = store();
  expect(await ensureCertificates(cluster, names)).toEqual(all('created'));
  expect([...cluster.objects.keys()]).toEqual(ALL);
  for (const secret of cluster.objects.values()) {
    expect(Object.keys(secret.data ?? {})).toEqual(['tls.crt', 'tls.key', 'ca.crt']);
  }
});

test('an upgrade changes nothing', async () => {
  const cluster = store();
  await ensureCertificates(cluster, names);
  const before = new Map(cluster.objects);
  expect(await ensureCertificates(cluster, names)).toEqual(all('kept'));
  expect(cluster.objects).toEqual(before);
});

test('two installers at once agree on one authority', async () => {
  const cluster = store();
  const both = await Promise.all([ensureCertificates(cluster, names), ensureCertificates(cluster, names)]);
  for (const name of ALL) expect(both.map((one) => one[name]).toSorted()).toEqual(['created', 'kept']);
  expect(await ensureCertificates(cluster, names)).toEqual(all('kept'));
});

test('a certificate that was deleted comes back from the same authority', async () => {
  const cluster = store();
  await ensureCertificates(cluster, names);
  cluster.objects.delete('chaosplane-operator-tls');
  expect(await ensureCertificates(cluster, names)).toEqual({ ...all('kept'), 'chaosplane-operator-tls': 'created' });
});

test('certificates near their end are replaced, and their authority is kept', async () => {
  const cluster = store();
  await ensureCertificates(cluster, names);
  cluster.at(300 * 24 * 3600_000);
  expect(await ensureCertificates(cluster, names)).toEqual({ ...all('replaced'), 'chaosplane-ca': 'kept' });
  expect(await ensureCertificates(cluster, names)).toEqual(all('kept'));
});

test('another cluster domain needs another certificate for the daemons', async () => {
  const cluster = store();
  await ensureCertificates(cluster, names);
  const moved = await ensureCertificates(cluster, { ...names, clusterDomain: 'example.org' });
  expect(moved).toEqual({ ...all('kept'), 'chaosplane-daemon-tls': 'replaced' });
});

test('with another authority, both sides get new certificates', async () => {
  const cluster = store();
  await ensureCertificates(cluster, names);
  const other = await createAuthority({ now: Date.now() });
  cluster.objects.set('chaosplane-ca', secretOf('chaosplane-ca', names.namespace, other, other));
  expect(await ensureCertificates(cluster, names)).toEqual({ ...all('replaced'), 'chaosplane-ca': 'kept' });
});

test('an authority that cannot sign is not replaced; the way out is told', async () => {
  const cluster = store();
  await ensureCertificates(cluster, names);
  cluster.at(11 * 365 * 24 * 3600_000);
  await expect(ensureCertificates(cluster, names)).rejects.toThrow(
    /Secret chaosplane\/chaosplane-ca: it has ended .*; delete the Secrets chaosplane-ca, .* and upgrade the release/,
  );
});

test('removing leaves nothing, also the second time', async () => {
  const cluster = store();
  await ensureCertificates(cluster, names);
  await removeCertificates(cluster, names);
  expect(cluster.objects.size).toBe(0);
  await removeCertificates(cluster, names);
});
