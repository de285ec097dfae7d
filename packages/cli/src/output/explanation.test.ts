/** What people read of an experiment that would be run. */
import { expect, test } from '@jest/globals';
import { initialStatus, parseExperiment, type ExperimentStatus } from '@chaosplane/api';
import { explanation, type Explained } from './explanation.ts';

const experimentOf = (spec: object = {}) =>
  parseExperiment(
    {
      ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment' },
      metadata: { name: 'slow', namespace: 'shop' },
      spec: {
        target: { names: ['web-1', 'web-2'], mode: 'one' },
        action: { type: 'network-loss', parameters: { percent: '10%' } },
        duration: '30s',
        ...spec,
      },
    },
    'cluster',
  );

const selected = (message: string, reason: 'TargetsChosen' | 'NoTarget' | 'PolicyDenied' = 'TargetsChosen') =>
  ({ type: 'Selected', status: reason === 'TargetsChosen' ? 'True' : 'False', reason, message }) as const;

const status: ExperimentStatus = {
  ...initialStatus,
  phase: 'Completed',
  conditions: [
    selected('1 of 3 pods\nnot chosen: shop/db: not among the names\nnot chosen: shop/web-2: not drawn: mode one'),
  ],
  targets: [
    {
      ...{ namespace: 'shop', name: 'web-1', uid: 'u', node: 'n1', state: 'Selected' },
      message: 'would be hit: tc qdisc add\n  limit 10',
    },
  ],
};

const told = (change: Partial<Explained> = {}): string[] =>
  explanation({ experiment: experimentOf(), status, place: 'cluster', nodes: [], ...change }).split('\n');

test('what happens to which targets, why not to others, and what is asserted', () => {
  const capabilities = { version: '1.0', kernel: '6.1', lacks: [], cannot: [] };
  const lines = told({ nodes: [{ node: 'n1', capabilities }] });
  expect(lines.slice(0, 3)).toEqual([
    'slow: network-loss for 30s, then undone; a dry run, nothing is changed',
    '  A share of the packets that the pod sends or receives disappears.',
    '  given: percent 10%',
  ]);
  expect(lines[3]).toMatch(/^ {2}by default: .*direction egress/);
  expect(lines.slice(4)).toEqual([
    'targets: 1 of 3 pods',
    '  ● shop/web-1 on n1',
    '    would be hit: tc qdisc add',
    '      limit 10',
    '  not chosen: shop/db: not among the names',
    '  not chosen: shop/web-2: not drawn: mode one',
    '  without a seed in the file, a real run may draw others',
    'policies: none forbids it',
    'nodes:',
    '  ✓ n1: daemon 1.0, kernel 6.1',
    'hypothesis: nothing that is tested, so the verdict is Inconclusive, or NotHeld where no effect is seen',
  ]);
});

test('what policies say, what nodes lack, and what cannot be known', () => {
  const audit = {
    type: 'WithinPolicy',
    status: 'False',
    reason: 'PolicyAudit',
    message: 'policy b, rule c: much',
  } as const;
  const denied = { ...status, conditions: [selected('policy a, rule halt: no', 'PolicyDenied'), audit] };
  const lack = { action: 'network-loss', why: 'no nftables' };
  const capabilities = { version: '1.0', kernel: '6.1', lacks: [], cannot: [lack] };
  expect(told({ status: denied, nodes: [{ node: 'n1', capabilities }, { node: 'n2' }] }).slice(4)).toEqual([
    'targets: 1 pod',
    '  ● shop/web-1 on n1',
    '    would be hit: tc qdisc add',
    '      limit 10',
    'policies:',
    '  ✗ refused: policy a, rule halt: no',
    '  ! only told (Audit): policy b, rule c: much',
    'nodes:',
    '  ✗ n1: no nftables (daemon 1.0, kernel 6.1)',
    '  ✗ n2: no daemon has told what it can do',
    'hypothesis: nothing that is tested, so the verdict is Inconclusive, or NotHeld where no effect is seen',
  ]);
  const { nodes: _nodes, ...unknown } = { experiment: experimentOf(), status, place: 'cluster', nodes: [] } as const;
  expect(explanation({ ...unknown, nodesUnknown: 'you may not' })).toContain('nodes: not known: you may not');
});

test('that nothing fits, and what happens once', () => {
  const none = { ...status, targets: [], conditions: [selected('no pod fits: no', 'NoTarget')] };
  const probe = { type: 'http', url: 'http://shop/', interval: '1s' };
  const experiment = experimentOf({
    action: { type: 'pod-kill' },
    steadyState: { before: [probe], during: [probe] },
    abortConditions: [probe],
  });
  const lines = told({ experiment, status: none, place: 'machine' });
  expect(lines[0]).toBe('slow: pod-kill once; a dry run, nothing is changed');
  expect(lines).toEqual(
    expect.arrayContaining([
      'targets: none: no pod fits: no',
      'policies: none, they are of clusters',
      'hypothesis: 1 probe before, 1 probe during',
      'abort conditions: 1',
    ]),
  );
});
