/** Who is told what policies say. */
import { expect, test } from '@jest/globals';
import { parsePolicy, readAsked } from '@chaosplane/api';
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
    raw: async (...request) => (reviews.push(request), { status: { allowed } }),
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
  // Where there is nothing to tell, no rights are asked for.
  reviews.length = 0;
  expect(await judge(true, { ...outlook, policy: { ...outlook.policy, policies: [] } })).toEqual([]);
  expect(reviews).toEqual([]);
});
