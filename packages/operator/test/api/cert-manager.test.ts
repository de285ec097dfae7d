/** With certManager.enabled, the chart asks cert-manager for the certificates that its Job would make. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { namespaces } from '@chaosplane/kube';
import { installDefinitions } from '@chaosplane/testcluster/cert-manager';
import { certificatesOf, NAMESPACE, renderWithCertManager } from './cert-manager-objects.ts';
import { leavesOf } from '../../src/certificates/secrets.ts';
import { makeBareNamespace, openApiServerFixture, type ApiServerFixture } from './stage.ts';

jest.setTimeout(180_000);

let fixture: ApiServerFixture;
let removeDefinitions: (() => Promise<void>) | undefined;

beforeAll(async () => {
  fixture = await openApiServerFixture();
  await makeBareNamespace(fixture.client, NAMESPACE);
  removeDefinitions = await installDefinitions(fixture.cluster);
}, 600_000);
afterAll(async () => {
  await removeDefinitions?.();
  await fixture.client.delete(namespaces, { name: NAMESPACE });
  await fixture.close();
}, 120_000);

const names = {
  namespace: NAMESPACE,
  clusterDomain: 'example.org',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
  webhookService: 'chaosplane-webhook',
};

test('for the same names and purposes, in the same Secrets; without the webhook, without its certificate', async () => {
  const rendered = await renderWithCertManager(fixture, 'clusterDomain=example.org');
  const leaves = certificatesOf(rendered).filter(({ spec }) => spec.isCA !== true);
  const purposes = { server: 'server auth', client: 'client auth' };
  expect(
    leaves.map(({ spec: { secretName, commonName, dnsNames, usages } }) => ({
      secretName,
      commonName,
      dnsNames,
      usages,
    })),
  ).toEqual(
    leavesOf(names).map(({ secret, commonName, dnsNames, purpose }) => ({
      secretName: secret,
      commonName,
      dnsNames,
      usages: ['digital signature', purposes[purpose]],
    })),
  );
  const without = certificatesOf(await renderWithCertManager(fixture, 'admission.webhook.enabled=false'));
  expect(without.map(({ metadata }) => metadata.name)).toEqual([
    'chaosplane-ca',
    'chaosplane-daemon-tls',
    'chaosplane-operator-tls',
  ]);
});

test('and nothing else makes them, or takes them away', async () => {
  const rendered = await renderWithCertManager(fixture);
  expect(rendered).not.toMatch(/kind: CronJob|name: chaosplane-certificates\b|resources: \[secrets\]/);
  expect(rendered).toContain('- --keep-certificates');
});

test('the definitions of cert-manager take each of them, strictly', async () => {
  const input = await renderWithCertManager(fixture);
  const argv = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
  const said = await fixture.cluster.kubectl(argv, { input });
  expect(
    said
      .split('\n')
      .filter((line) => line.includes('cert-manager.io'))
      .sort(),
  ).toEqual([
    ...['ca', 'daemon-tls', 'operator-tls', 'webhook-tls'].map(
      (name) => `certificate.cert-manager.io/chaosplane-${name} created (server dry run)`,
    ),
    ...['ca', 'self-signed'].map((name) => `issuer.cert-manager.io/chaosplane-${name} created (server dry run)`),
  ]);
  const wrong = input.replace('size: 256', 'size: many');
  await expect(fixture.cluster.kubectl(argv, { input: wrong })).rejects.toThrow(/spec\.privateKey\.size/);
});
