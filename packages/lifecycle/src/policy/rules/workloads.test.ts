/** How much of each workload may be away: a part of what it should have, so many left, no more away. */
import { describe, expect, test } from '@jest/globals';
import { pods, said, targetsOf, type Change } from '../../../test/policies.ts';

/** The cluster with pods that are not Ready, or not there. */
const without = (...names: readonly string[]) => pods.filter(({ name }) => !names.includes(name));
const notReady = (...names: readonly string[]) =>
  pods.map((pod) => (names.includes(pod.name) ? { ...pod, ready: false } : pod));

type Row = readonly [
  what: string,
  limits: object,
  targets: readonly string[],
  cluster: Change,
  expected: string | undefined,
];

const percentages: readonly Row[] = [
  ['a third of three', { maxPercentage: 34 }, ['web-1'], {}, undefined],
  [
    'less than a third is no pod of three',
    { maxPercentage: 33 },
    ['web-1'],
    {},
    '1 of 3 pods of Deployment shop/web is 33 %, more than 33 %: 1 hit by this experiment',
  ],
  [
    'others count',
    { maxPercentage: 50 },
    ['web-1'],
    { hit: ['web-2'] },
    '2 of 3 pods of Deployment shop/web are 67 %, more than 50 %: 1 hit by this experiment, 1 by others',
  ],
  [
    'of each workload',
    { maxPercentage: 50 },
    ['web-1', 'db-0', 'db-1'],
    {},
    '2 of 2 pods of StatefulSet shop/db are 100 %, more than 50 %: 2 hit by this experiment',
  ],
  [
    'of what it should have after it was scaled down',
    { maxPercentage: 50 },
    ['web-1'],
    { desired: { web: 1 } },
    '1 of 1 pod of Deployment shop/web is 100 %, more than 50 %: 1 hit by this experiment',
  ],
  [
    'of what it should have, not of what it has',
    { maxPercentage: 34 },
    ['web-1'],
    { pods: without('web-2', 'web-3') },
    undefined,
  ],
  [
    'scaled to nothing',
    { maxPercentage: 100 },
    ['web-1'],
    { desired: { web: 0 } },
    '1 of 0 pods of Deployment shop/web is all, more than 100 %: 1 hit by this experiment',
  ],
  [
    'of nodes',
    { maxPercentage: 50, minAvailable: 0 },
    ['n1', 'n2'],
    {},
    '2 of 3 nodes are 67 %, more than 50 %: 2 hit by this experiment',
  ],
  [
    'of nodes, others included',
    { maxPercentage: 50 },
    ['n1'],
    { nodesHit: ['n2', 'n1'] },
    '2 of 3 nodes are 67 %, more than 50 %: 1 hit by this experiment, 1 by others',
  ],
  [
    'the workloads of the pods on a node',
    { maxPercentage: 49 },
    ['n2'],
    {},
    '1 of 2 pods of StatefulSet shop/db is 50 %, more than 49 %: 1 hit by this experiment',
  ],
];

const left: readonly Row[] = [
  ['two of three are left', { minAvailable: 2 }, ['web-1'], {}, undefined],
  [
    'one of three is left',
    { minAvailable: 2 },
    ['web-1', 'web-2'],
    {},
    '1 of 3 pods of Deployment shop/web would be available, fewer than 2: 2 hit by this experiment',
  ],
  [
    'one is not Ready',
    { minAvailable: 2 },
    ['web-1'],
    { pods: notReady('web-3') },
    '1 of 3 pods of Deployment shop/web would be available, fewer than 2: 1 hit by this experiment, 1 not Ready (web-3)',
  ],
  ['a target that is not Ready counts once', { minAvailable: 2 }, ['web-1'], { pods: notReady('web-1') }, undefined],
  [
    'one is missing',
    { minAvailable: 2 },
    ['web-1'],
    { pods: without('web-3') },
    '1 of 3 pods of Deployment shop/web would be available, fewer than 2: 1 hit by this experiment, 1 missing',
  ],
  [
    'another experiment hits one',
    { minAvailable: 2 },
    ['web-1'],
    { hit: ['web-3'] },
    '1 of 3 pods of Deployment shop/web would be available, fewer than 2: 1 hit by this experiment, 1 by others',
  ],
  ['another experiment hits the same one', { minAvailable: 2 }, ['web-1'], { hit: ['web-1'] }, undefined],
  [
    'half of three is two',
    { minAvailable: '50%' },
    ['web-1', 'web-2'],
    {},
    '1 of 3 pods of Deployment shop/web would be available, fewer than 2: 2 hit by this experiment',
  ],
  [
    'a number holds where it is not known how many there should be',
    { minAvailable: 1 },
    ['clone-1'],
    {},
    '0 pods of CloneSet shop/clone would be available, fewer than 1: 1 hit by this experiment',
  ],
  [
    'a part does not',
    { minAvailable: '1%' },
    ['clone-1'],
    {},
    'it cannot be judged: it is not known how many pods CloneSet shop/clone should have; minAvailable as a number of pods can be judged all the same',
  ],
];

const away: readonly Row[] = [
  ['one may be away', { maxUnavailable: 1 }, ['web-1'], {}, undefined],
  [
    'two are hit',
    { maxUnavailable: 1 },
    ['web-1', 'web-2'],
    {},
    '2 of 3 pods of Deployment shop/web would be unavailable, more than 1: 2 hit by this experiment',
  ],
  [
    'one is not Ready',
    { maxUnavailable: 1 },
    ['web-1'],
    { pods: notReady('web-3') },
    '2 of 3 pods of Deployment shop/web would be unavailable, more than 1: 1 hit by this experiment, 1 not Ready (web-3)',
  ],
  [
    'several are not Ready',
    { maxUnavailable: 1 },
    ['web-1'],
    { pods: notReady('web-2', 'web-3') },
    '3 of 3 pods of Deployment shop/web would be unavailable, more than 1: 1 hit by this experiment, 2 not Ready (web-2, …)',
  ],
  [
    'two are missing since it was scaled up',
    { maxUnavailable: 1 },
    ['web-1'],
    { desired: { web: 5 } },
    '3 of 5 pods of Deployment shop/web would be unavailable, more than 1: 1 hit by this experiment, 2 missing',
  ],
  ['a third rounds up, as in a PodDisruptionBudget', { maxUnavailable: '10%' }, ['web-1'], {}, undefined],
  [
    'one more than that',
    { maxUnavailable: '10%' },
    ['web-1', 'web-2'],
    {},
    '2 of 3 pods of Deployment shop/web would be unavailable, more than 1: 2 hit by this experiment',
  ],
  [
    'a pod without a controller is all there is',
    { maxUnavailable: 0 },
    ['tool'],
    {},
    '1 of 1 pod of Pod shop/tool would be unavailable, more than 0: 1 hit by this experiment',
  ],
  [
    'of an unknown controller',
    { maxUnavailable: 5 },
    ['clone-1'],
    {},
    'it cannot be judged: it is not known how many pods CloneSet shop/clone should have; minAvailable as a number of pods can be judged all the same',
  ],
  ['a target that is gone is of no workload', { maxUnavailable: 0 }, ['web-1'], { pods: without('web-1') }, undefined],
];

describe.each([
  ['maxPercentage', percentages],
  ['minAvailable', left],
  ['maxUnavailable', away],
])('%s', (rule, table) => {
  test.each(table)('%s', (_what, targetLimits, names, cluster, expected) => {
    const told = expected === undefined ? [] : [`${rule}: ${expected}`];
    for (const begins of [true, false])
      expect(said({ targetLimits }, { begins, targets: targetsOf(...names) }, cluster)).toEqual(told);
  });
});

test('of the pods on a node, those alone count that the policy is about', () => {
  const limits = { targetLimits: { maxUnavailable: 0 } };
  const node = { targets: targetsOf('n1') };
  expect(said({ ...limits, scope: { namespaces: ['kube-system'] } }, node)).toEqual([
    'maxUnavailable: 1 of 1 pod of Deployment kube-system/dns would be unavailable, more than 0: 1 hit by this experiment',
  ]);
  expect(said({ ...limits, scope: { namespaces: ['cart'] } }, node)).toEqual([]);
});

test('a thousand targets of one workload are counted once for all', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => ({
    ...pods[0]!,
    name: `web-${index}`,
    uid: `uid-${index}`,
  }));
  const byUid = new Map(many.map((pod) => [pod.uid, pod]));
  let asked = 0;
  const facts = {
    pod: ({ uid }: { readonly uid: string }) => byUid.get(uid),
    workload: () => {
      asked += 1;
      return { desired: many.length, pods: many };
    },
  };
  const targets = many.slice(0, 10_000);
  expect(said({ targetLimits: { maxPercentage: 50 } }, { targets }, { facts })).toEqual([]);
  expect(asked).toBe(1);
});
