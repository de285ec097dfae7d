/** The Secrets of an installation on a real API server, written with the rights that the chart gives to its hook and to its CronJob. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createLogger, systemClock } from '@chaosplane/common';
import { secrets, type KubeClient } from '@chaosplane/kube';
import { ROTATE_ANNOTATION } from '../../src/certificates/authorities.ts';
import { ensureCertificates } from '../../src/certificates/index.ts';
import { chartRights } from './chart-rights.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(120_000);

const authority = { group: '', resource: 'secrets', name: 'chaosplane-ca', verb: 'update' };
const accounts = {
  hook: { name: 'chaosplane-certificates', template: 'templates/hooks/certificates.yaml', may: [authority] },
  cronJob: { name: 'chaosplane-certificates-renewal', template: 'templates/operator/renewal.yaml', may: [authority] },
};
type Account = keyof typeof accounts;

const stack = new AsyncDisposableStack();
let fixture: ApiServerFixture;
let stage: Stage;
let clients: Readonly<Record<Account, KubeClient>>;

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stack.defer(() => fixture.close());
  stage = await fixture.stage({ nodes: 0 });
  stack.defer(() => stage.close());
  const bound = async (account: Account): Promise<KubeClient> => {
    const rights = await chartRights(fixture.cluster, accounts[account]);
    const { client, close } = await rights(fixture.client, stage.namespace);
    stack.defer(close);
    return client;
  };
  clients = { hook: await bound('hook'), cronJob: await bound('cronJob') };
}, 600_000);
afterAll(() => stack.disposeAsync(), 60_000);

/** What the account did to the authority. */
async function ensure(account: Account): Promise<string | undefined> {
  const names = {
    namespace: stage.namespace,
    clusterDomain: 'cluster.local',
    daemonService: 'chaosplane-daemon',
    operatorName: 'chaosplane-operator',
  };
  const parts = { client: clients[account], clock: systemClock, logger: createLogger({ level: 'silent' }) };
  return (await ensureCertificates(parts, names, { settleMs: 0 }))['chaosplane-ca'];
}

test('are made by the hook, left alone by both, and their authority replaced by either, as docs/install.md says', async () => {
  const { namespace } = stage;
  expect(await ensure('hook')).toBe('created');
  expect([await ensure('cronJob'), await ensure('hook')]).toEqual(['kept', 'kept']);
  for (const turns of [
    ['hook', 'hook', 'hook'],
    ['cronJob', 'hook', 'cronJob'],
  ] as const) {
    const body = { metadata: { annotations: { [ROTATE_ANNOTATION]: '' } } };
    await stage.client.patch(secrets, { namespace, name: 'chaosplane-ca' }, { kind: 'merge', body });
    const steps: (string | undefined)[] = [];
    for (const account of turns) steps.push(await ensure(account));
    expect(steps).toEqual(['announced', 'signing', 'retired']);
  }
  await stage.client.delete(secrets, { namespace, name: 'chaosplane-daemon-tls' });
  expect(await ensure('hook')).toBe('kept');
  expect(await stage.client.get(secrets, { namespace, name: 'chaosplane-daemon-tls' })).toBeDefined();
});
