import { expect, test } from '@jest/globals';
import { authoritySecret } from './authorities.ts';
import { ensureCertificates, removeCertificates } from './ensure.ts';
import { createAuthority } from './issue.ts';
import { secretNames } from './secrets.ts';
import { secretStore } from '../../test/secret-store.ts';

const names = {
  namespace: 'chaosplane',
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
  webhookService: 'chaosplane-webhook',
};
const ALL: readonly string[] = secretNames;
const all = (state: string) => Object.fromEntries(ALL.map((name) => [name, state]));

test('the first installation gets an authority and two certificates', async () => {
  const cluster = secretStore();
  expect(await ensureCertificates(cluster, names)).toEqual(all('created'));
  expect([...cluster.objects.keys()]).toEqual(ALL);
  for (const secret of cluster.objects.values()) {
    expect(Object.keys(secret.data ?? {})).toEqual(['tls.crt', 'tls.key', 'ca.crt']);
  }
});

test('an upgrade changes nothing', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  const before = new Map(cluster.objects);
  expect(await ensureCertificates(cluster, names)).toEqual(all('kept'));
  expect(cluster.objects).toEqual(before);
});

test('two installers at once agree on one authority', async () => {
  const cluster = secretStore();
  const both = await Promise.all([ensureCertificates(cluster, names), ensureCertificates(cluster, names)]);
  for (const name of ALL) expect(both.map((one) => one[name]).toSorted()).toEqual(['created', 'kept']);
  expect(await ensureCertificates(cluster, names)).toEqual(all('kept'));
});

test('a certificate that was deleted comes back from the same authority', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  cluster.objects.delete('chaosplane-operator-tls');
  expect(await ensureCertificates(cluster, names)).toEqual({ ...all('kept'), 'chaosplane-operator-tls': 'created' });
});

test('certificates near their end are replaced, and their authority is kept', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  cluster.at(300 * 24 * 3600_000);
  expect(await ensureCertificates(cluster, names)).toEqual({ ...all('replaced'), 'chaosplane-ca': 'kept' });
  expect(await ensureCertificates(cluster, names)).toEqual(all('kept'));
});

test('another cluster domain needs another certificate for the daemons', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  const moved = await ensureCertificates(cluster, { ...names, clusterDomain: 'example.org' });
  expect(moved).toEqual({ ...all('kept'), 'chaosplane-daemon-tls': 'replaced' });
});

test('with another authority, both sides get new certificates', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  const other = await createAuthority({ now: Date.now() });
  cluster.objects.set('chaosplane-ca', authoritySecret(names.namespace, { current: other, rotationAsked: false }));
  expect(await ensureCertificates(cluster, names)).toEqual({ ...all('replaced'), 'chaosplane-ca': 'kept' });
});

test('an authority that cannot sign is not replaced; the way out is told', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  cluster.at(11 * 365 * 24 * 3600_000);
  await expect(ensureCertificates(cluster, names)).rejects.toThrow(
    /Secret chaosplane\/chaosplane-ca: it has ended .*; delete the Secrets chaosplane-ca, .* and upgrade the release/,
  );
});

test('removing leaves nothing, also the second time', async () => {
  const cluster = secretStore();
  await ensureCertificates(cluster, names);
  await removeCertificates(cluster, names);
  expect(cluster.objects.size).toBe(0);
  await removeCertificates(cluster, names);
});
