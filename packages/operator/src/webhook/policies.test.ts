/** Who is told what policies say. */
import { expect, test } from '@jest/globals';
import { parsePolicy, parseWorkflow, readAsked } from '@chaosplane/api';
import type { KubeClient } from '@chaosplane/kube';
import { manualClock } from '@chaosplane/testkit/clocks';
import type { Outlook } from '../controllers/policy/outlook.ts';
import { podOf } from '../../test/objects.ts';
import { policyJudge } from './policies.ts';

const short = parsePolicy({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'BlastRadiusPolicy',
  metadata: { name: 'short' },
  spec: { actionLimits: { maxDuration: '1s' } },
});

const outlook: Outlook = {
  pods: () => [podOf('web')],
  nodes: () => [],
  policy: { policies: [short], cluster: {} as never },
};

const asked = readAsked({
  metadata: { namespace: 'shop' },
  spec: { target: { names: ['web'] }, action: { type: 'network-delay' }, duration: '30s' },
})!;

const user = { username: 'alice', groups: ['dev'], extra: { a: ['b'] } };

test('only an author who may delete the targets is told', async () => {
  const reviews: unknown[] = [];
  const client = (allowed: boolean): Pick<KubeClient, 'list' | 'raw'> => ({
    list: () => Promise.reject(new Error('nothing is read while there are copies')),
    raw: async (method, path, body) => (reviews.push([method, path, body]), { status: { allowed } }),
  });
  const judge = (allowed: boolean, of: Outlook = outlook) =>
    policyJudge({ client: client(allowed), clock: manualClock(), builtIn: [], leader: { outlook: () => of } })(asked, {
      ...{ key: 'shop/slow', user },
    });
  expect(await judge(true)).toMatchObject([{ policy: 'short', rule: 'maxDuration' }]);
  expect(await judge(false)).toEqual([]);
  const resourceAttributes = { verb: 'delete', resource: 'pods', namespace: 'shop' };
  expect(reviews[0]).toMatchObject([
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    { kind: 'SubjectAccessReview', spec: { user: 'alice', groups: ['dev'], extra: { a: ['b'] }, resourceAttributes } },
  ]);
});

test('one experiment is judged at a time', async () => {
  let [underWay, most] = [0, 0];
  const client: Pick<KubeClient, 'list' | 'raw'> = {
    async list() {
      most = Math.max(most, (underWay += 1));
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return { items: [], resourceVersion: '1' };
    },
    raw: async () => ({ status: { allowed: true } }),
  };
  const judge = policyJudge({ client, clock: manualClock(), builtIn: [short], leader: {} });
  const found = await Promise.all(['a', 'b', 'c'].map((name) => judge(asked, { key: `shop/${name}`, user })));
  // There is no pod, so there is nothing that could be against it.
  expect(found).toEqual([[], [], []]);
  // Pods and four kinds of workloads are listed for one experiment.
  expect(most).toBe(5);
});

test('one that cannot be judged keeps no other from it', async () => {
  let fails = true;
  const client: Pick<KubeClient, 'list' | 'raw'> = {
    list: async () => (fails ? Promise.reject(new Error('not now')) : { items: [], resourceVersion: '1' }),
    raw: async () => ({ status: { allowed: true } }),
  };
  const judge = policyJudge({ client, clock: manualClock(), builtIn: [short], leader: {} });
  await expect(judge(asked, { key: 'shop/a', user })).rejects.toThrow('not now');
  fails = false;
  expect(await judge(asked, { key: 'shop/b', user })).toEqual([]);
});

/** A workflow with an experiment on pods of each of these namespaces. */
function flowOn(...namespaces: readonly string[]) {
  const experiment = { action: { type: 'pod-kill' }, duration: '30s' };
  const templates = namespaces.map((namespace, index) => ({
    name: `t${index}`,
    experiment: { ...experiment, target: { namespace, names: ['web'] } },
  }));
  const steps = templates.map(({ name }) => ({ name, template: name }));
  const document = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosWorkflow', metadata: { name: 'flow' } };
  return parseWorkflow({ ...document, spec: { templates, steps } }, 'cluster').spec;
}

test('of a workflow, an author is told who may delete all targets, of which each place is asked about once', async () => {
  const asked: unknown[] = [];
  const client: Pick<KubeClient, 'list' | 'raw'> = {
    list: () => Promise.reject(new Error('nothing is read while there are copies')),
    async raw(_method, _path, body) {
      const { namespace } = (body as { spec: { resourceAttributes: { namespace: string } } }).spec.resourceAttributes;
      asked.push(namespace);
      return { status: { allowed: namespace !== 'theirs' } };
    },
  };
  const parts = { client, clock: manualClock(), builtIn: [], leader: { outlook: () => outlook } };
  const judge = (...namespaces: readonly string[]) =>
    policyJudge(parts)(flowOn(...namespaces), { key: 'shop/flow', user });
  expect(await judge('shop', 'cart', 'shop')).toMatchObject([{ rule: 'maxDuration', message: expect.any(String) }]);
  expect(asked.splice(0)).toEqual(['shop', 'cart']);
  expect(await judge('shop', 'theirs')).toEqual([]);
  expect(asked.splice(0)).toEqual(['shop', 'theirs']);
  expect(await judge(...Array.from({ length: 11 }, (_, index) => `n${index}`))).toEqual([]);
  expect(asked).toEqual([]);
});
