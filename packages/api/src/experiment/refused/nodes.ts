/** Experiments that are refused over what a drain or a taint is given: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const target = { kind: 'Node', names: ['n1'] };
const drain = (parameters: object) => ({ target, action: { type: 'node-drain', parameters } });
const taint = (parameters: object) => ({
  target,
  action: { type: 'node-taint', parameters: { key: 'k', effect: 'NoSchedule', ...parameters } },
});

const TIMEOUT = 'a duration from 1s to 23h';
const KEY =
  'up to 63 letters, digits, -, _ and ., with or without a domain of your own before it, such as example.com/maintenance';
const VALUE = 'up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit';
const EFFECT = 'NoSchedule, PreferNoSchedule or NoExecute';

const at = (name: string): string => `spec.action.parameters.${name}`;
const ofKubernetes = (key: string): Refused => [
  taint({ key }),
  at('key'),
  `"${key}" is a key of Kubernetes, which sets and removes it`,
  KEY,
];

export const nodes: readonly Refused[] = [
  [drain({ timeout: '0s' }), at('timeout'), '"0s" is too short', TIMEOUT],
  [drain({ timeout: '24h' }), at('timeout'), '"24h" is too long', TIMEOUT],
  [drain({ force: 'yes' }), at('force'), '"yes" is not known', 'true, false'],
  [
    drain({ 'delete-local-data': true }),
    'spec.action.parameters',
    '"delete-local-data" is not a parameter; did you mean deleteEmptyDirData?',
    'timeout, ignoreDaemonSets, deleteEmptyDirData, force',
  ],
  [{ ...drain({}), target: { names: ['web'] } }, 'spec.target.kind', 'node-drain hits a Node, not a Pod', 'Node'],
  [
    { ...drain({}), rollback: { enabled: false } },
    'spec.rollback.enabled',
    'nothing but its recovery ends node-drain, so it would be there for ever',
    'true',
  ],
  [
    { ...taint({}), rollback: { enabled: false } },
    'spec.rollback.enabled',
    'nothing but its recovery ends node-taint, so it would be there for ever',
    'true',
  ],
  [{ target, action: { type: 'node-taint', parameters: { effect: 'NoExecute' } } }, at('key'), 'it is required', KEY],
  [{ target, action: { type: 'node-taint', parameters: { key: 'k' } } }, at('effect'), 'it is required', EFFECT],
  [taint({ effect: 'noschedule' }), at('effect'), '"noschedule" is not known', EFFECT.replace(' or', ',')],
  [taint({ key: 'a b' }), at('key'), '"a b" is not the key of a taint', KEY],
  [taint({ key: '/k' }), at('key'), '"/k" is not the key of a taint', KEY],
  [taint({ key: 'A.com/k' }), at('key'), '"A.com/k" is not the key of a taint', KEY],
  [taint({ key: 'a/b/c' }), at('key'), '"a/b/c" is not the key of a taint', KEY],
  ...['node.kubernetes.io/unreachable', 'kubernetes.io/k', 'node-role.kubernetes.io/control-plane', 'k8s.io/k'].map(
    ofKubernetes,
  ),
  [taint({ value: 'a=b' }), at('value'), '"a=b" is not the value of a taint', VALUE],
  [taint({ value: 'x'.repeat(64) }), at('value'), `"${'x'.repeat(60)}…" is not the value of a taint`, VALUE],
];
