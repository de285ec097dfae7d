/** What the API server refuses, as people read it: the kinds that it does not know, and the rights that they do not have. */
import { describe, expect, test } from '@jest/globals';
import { errorOfAnswer } from '@chaosplane/kube';
import { startApiServer } from '../../test/api-server.ts';
import { command } from '../../test/command.ts';
import { refusalOn } from './refusals.ts';

const API = '/apis/chaos.chaosplane.io/v1alpha1';

const file = JSON.stringify({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosExperiment',
  metadata: { name: 'slow', namespace: 'shop' },
  spec: {
    target: { names: ['web'] },
    action: { type: 'network-delay', parameters: { latency: '1s' } },
    duration: '10m',
  },
});

describe('a cluster without the resource definitions', () => {
  test.each([
    ['get --cluster'],
    ['get slow --cluster'],
    ['get -A --cluster -o json'],
    ['describe slow'],
    ['abort slow'],
    ['abort workflow/slow'],
    ['resume slow'],
    ['run - --cluster'],
    ['explain - --cluster'],
    ['recover --all --cluster'],
    ['recover --lift --cluster'],
  ])('is told as that by %s', async (words) => {
    await using api = await startApiServer((_method, path) =>
      path.startsWith(`${API}/`) ? { code: 404, body: '404 page not found\n' } : undefined,
    );
    const { end } = command(api.kubeconfig, words.split(' '), { input: file });
    const wayOut = 'install the chart (docs/install.md), or choose another cluster by --context';
    expect(await end).toEqual({
      exitCode: 2,
      message: `the resource definitions of ChaosPlane are not on this cluster (test): ${wayOut}`,
    });
  });

  test('is one that has them where only an object is missing, or only those of workflows', async () => {
    await using api = await startApiServer();
    const { message } = await command(api.kubeconfig, ['describe', 'slow']).end;
    expect(message).toMatch(/^there is no experiment or workflow slow in the namespace shop/);
    await using older = await startApiServer((_method, path) =>
      path.endsWith('chaosworkflows') ? { code: 404, body: '404 page not found\n' } : undefined,
    );
    const listed = command(older.kubeconfig, ['get', '--cluster']);
    expect(await listed.end).toEqual({ exitCode: 0, message: '' });
  });
});

/** As the API server writes it; a user of RBAC, or a policy for admission. */
const forbidden = (message: string) => ({ kind: 'Status', code: 403, reason: 'Forbidden', message });
const mayNot = (verb: string, resource: string, where: string, group = 'chaos.chaosplane.io') =>
  forbidden(
    `${resource}.${group} "slow-dry-run" is forbidden: User "ann" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`,
  );
const IN_SHOP = 'in the namespace "shop"';
const SCOPE = 'at the cluster scope';

test.each([
  [
    ...['explain - --cluster', 'PATCH', mayNot('patch', 'chaosexperiments', IN_SHOP)],
    'user ann may not patch chaosexperiments in the namespace shop: who has the role edit or admin may; a dry run writes one, too',
  ],
  [
    ...['get --cluster -A', 'GET', mayNot('list', 'chaosexperiments', SCOPE)],
    'user ann may not list chaosexperiments in the whole cluster: who has the role view, edit or admin of the whole cluster may',
  ],
  [
    ...['recover --all --cluster', 'PATCH', mayNot('patch', 'blastradiuspolicies', SCOPE)],
    'user ann may not patch blastradiuspolicies in the whole cluster: only cluster-admin writes policies, and so has the kill switch',
  ],
  [
    ...['doctor --cluster', 'GET', mayNot('list', 'nodes', SCOPE, '')],
    'user ann may not list nodes in the whole cluster: cluster-admin may, and who was given it; explain tells of the nodes of an experiment without that',
  ],
  [
    ...['run - --cluster', 'PATCH'],
    forbidden(
      'chaosexperiments.chaos.chaosplane.io "slow" is forbidden: ' +
        "ValidatingAdmissionPolicy 'chaosplane-rights' with binding 'chaosplane-rights' denied request: user ann may not delete pods",
    ),
    "ValidatingAdmissionPolicy 'chaosplane-rights' with binding 'chaosplane-rights' denied request: user ann may not delete pods",
  ],
] as const)('%s without the right says who may', async (words, refused, body, message) => {
  await using api = await startApiServer((method) => (method === refused ? { code: 403, body } : undefined));
  const { end } = command(api.kubeconfig, words.split(' '), { input: file });
  expect(await end).toEqual({ exitCode: 2, message: `${message} (docs/install.md, "Who may do what")` });
});

test('other refusals stay as they are', () => {
  const path = `${API}/namespaces/shop/chaosexperiments/slow`;
  const webhook = forbidden('admission webhook "resources.chaosplane.io" denied the request: policy quiet');
  for (const [code, body] of [
    [403, webhook],
    [404, { ...webhook, code: 404, reason: 'NotFound', message: 'namespaces "shop" not found' }],
    [409, { ...webhook, code: 409, reason: 'Conflict' }],
  ] as const) {
    const error = errorOfAnswer(`PATCH ${path}`, code, body);
    expect(refusalOn('test')(error, { path })).toBe(error);
  }
  const pods = errorOfAnswer('GET /api/v1/pod', 404, '404 page not found');
  expect(refusalOn('test')(pods, { path: '/api/v1/pod' })).toBe(pods);
});
