import { expect, test } from '@jest/globals';
import { formatCapabilities, parseCapabilities } from '@chaosplane/api';
import { reportText } from './cluster-doctor.ts';

const fine = { version: '0.1.0', kernel: '6.1.0', lacks: [], cannot: [] };
const poor = {
  ...fine,
  lacks: [{ name: 'stress-ng', remedy: 'install stress-ng' }],
  cannot: [
    { action: 'stress-cpu', why: 'stress-ng is not there' },
    { action: 'stress-memory', why: 'stress-ng is not there' },
  ],
};

test('each node is a line; what several lack is told one time, with their names', () => {
  const reports = [
    { node: 'n1', capabilities: fine },
    { node: 'n2', capabilities: poor },
    { node: 'n3', capabilities: poor },
    { node: 'n4' },
  ];
  expect(reportText(reports).split('\n')).toEqual([
    '   NODE  DAEMON  KERNEL  LACKS',
    '✓  n1    0.1.0   6.1.0   nothing for any action',
    '✗  n2    0.1.0   6.1.0   stress-cpu, stress-memory',
    '✗  n3    0.1.0   6.1.0   stress-cpu, stress-memory',
    '✗  n4    -       -       no daemon has told: does one run there?',
    '',
    'what cannot be done:',
    '  stress-cpu: stress-ng is not there (n2, n3)',
    '  stress-memory: stress-ng is not there (n2, n3)',
    '',
    'what would bring the rest:',
    '  stress-ng: install stress-ng (n2, n3)',
  ]);
  expect(reportText([{ node: 'n2', capabilities: poor }])).toContain('install stress-ng (all nodes)');
  expect(reportText([])).toBe('there are no nodes');
});

test('what the administrator of a node does not allow is told, and is no lack', () => {
  const why = 'this node does not allow to be restarted: start its daemon with --allow-node-restart';
  const careful = { ...fine, cannot: [{ action: 'node-restart', why, notAllowed: true as const }] };
  expect(reportText([{ node: 'n1', capabilities: careful }]).split('\n')).toEqual([
    '   NODE  DAEMON  KERNEL  LACKS',
    '✓  n1    0.1.0   6.1.0   nothing for any action; not allowed: node-restart',
    '',
    'what is not allowed:',
    `  node-restart: ${why} (all nodes)`,
  ]);
  expect(parseCapabilities(formatCapabilities(careful))).toEqual(careful);
});

test('an annotation that another program wrote is none', () => {
  expect(parseCapabilities(formatCapabilities(poor))).toEqual(poor);
  for (const text of [undefined, '', '{', '{}', 'null', '{"version":1}'])
    expect(parseCapabilities(text)).toBeUndefined();
});
