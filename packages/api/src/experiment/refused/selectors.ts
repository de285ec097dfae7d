/** Experiments that are refused over selectors: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const TARGET_FIELDS = 'kind, namespace, labelSelector, names, mode, value, seed, dynamic';
const SOME_VALUES = 'one value or more, or the operator Exists or DoesNotExist';
const LABEL_NAME =
  'up to 63 letters, digits, -, _ and ., with or without a DNS name and / in front, such as app or example.io/app';
const LABEL_VALUE = 'nothing, or up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit';

export const selectors: readonly Refused[] = [
  [
    { target: { labelSelectors: { app: 'web' } } },
    'spec.target',
    '"labelSelectors" is not known here; did you mean labelSelector.matchLabels?',
    TARGET_FIELDS,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn' }] } } },
    'spec.target.labelSelector.matchExpressions.0.values',
    'NotIn needs values',
    SOME_VALUES,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: [] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values',
    'NotIn needs values',
    SOME_VALUES,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: [] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values',
    'In needs values',
    SOME_VALUES,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists', values: ['a'] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values',
    'Exists takes no values',
    'none, or the operator In or NotIn',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist', values: ['a'] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values',
    'DoesNotExist takes no values',
    'none, or the operator In or NotIn',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'Equals', values: ['a'] }] } } },
    'spec.target.labelSelector.matchExpressions.0.operator',
    '"Equals" is not known',
    'In, NotIn, Exists, DoesNotExist',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'in', values: ['a'] }] } } },
    'spec.target.labelSelector.matchExpressions.0.operator',
    '"in" is not known',
    'In, NotIn, Exists, DoesNotExist',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'a b', operator: 'Exists' }] } } },
    'spec.target.labelSelector.matchExpressions.0.key',
    '"a b" is not the name of a label',
    LABEL_NAME,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: '/app', operator: 'Exists' }] } } },
    'spec.target.labelSelector.matchExpressions.0.key',
    '"/app" is not the name of a label',
    LABEL_NAME,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'a/b/c', operator: 'Exists' }] } } },
    'spec.target.labelSelector.matchExpressions.0.key',
    '"a/b/c" is not the name of a label',
    LABEL_NAME,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'App.IO/x', operator: 'Exists' }] } } },
    'spec.target.labelSelector.matchExpressions.0.key',
    '"App.IO/x" is not the name of a label',
    LABEL_NAME,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'a'.repeat(64), operator: 'Exists' }] } } },
    'spec.target.labelSelector.matchExpressions.0.key',
    '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not the name of a label',
    LABEL_NAME,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: '', operator: 'Exists' }] } } },
    'spec.target.labelSelector.matchExpressions.0.key',
    'it is empty',
    'at least 1 character',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 5, operator: 'Exists' }] } } },
    'spec.target.labelSelector.matchExpressions.0.key',
    'it is a number',
    'a text',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['a b'] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values.0',
    '"a b" is not the value of a label, so nothing ever matches',
    LABEL_VALUE,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['a'.repeat(64)] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values.0',
    '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not the value of a label, so nothing ever matches',
    LABEL_VALUE,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['-a'] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values.0',
    '"-a" is not the value of a label, so nothing ever matches',
    LABEL_VALUE,
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: 'a' }] } } },
    'spec.target.labelSelector.matchExpressions.0.values',
    'it is a text',
    'a list',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: [1] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values.0',
    'it is a number',
    'a text',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: [true] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values.0',
    'it is true or false (YAML reads yes, no, on and off so)',
    'a text',
  ],
  [
    { target: { labelSelector: { matchLabels: { app: 'web shop' } } } },
    'spec.target.labelSelector.matchLabels.app',
    '"web shop" is not the value of a label, so nothing ever matches',
    LABEL_VALUE,
  ],
  [
    { target: { labelSelector: { matchLabels: { 'a b': 'c' } } } },
    'spec.target.labelSelector.matchLabels.a b',
    '"a b" is not the name of a label',
    LABEL_NAME,
  ],
  [
    { target: { labelSelector: { matchLabels: { app: true } } } },
    'spec.target.labelSelector.matchLabels.app',
    'it is true or false (YAML reads yes, no, on and off so)',
    'a text',
  ],
  [
    { target: { labelSelector: { matchLabels: { app: 1 } } } },
    'spec.target.labelSelector.matchLabels.app',
    'it is a number',
    'a text',
  ],
  [
    { target: { labelSelector: { matchLabels: { app: null } } } },
    'spec.target.labelSelector.matchLabels.app',
    'it has no value: give it one, or leave it out',
    'a text',
  ],
  [
    { target: { labelSelector: { matchLabels: 'app=web' } } },
    'spec.target.labelSelector.matchLabels',
    'it is a text',
    'a map',
  ],
  [
    { target: { labelSelector: { matchLabels: null } } },
    'spec.target.labelSelector.matchLabels',
    'it has no value: give it one, or leave it out',
    'a map',
  ],
  [
    { target: { labelSelector: { matchLabels: { app: 'web', tier: null } } } },
    'spec.target.labelSelector.matchLabels.tier',
    'it has no value: give it one, or leave it out',
    'a text',
  ],
  [
    { target: { labelSelector: { matchExpressions: null } } },
    'spec.target.labelSelector.matchExpressions',
    'it has no value: give it one, or leave it out',
    'a list',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: null }] } } },
    'spec.target.labelSelector.matchExpressions.0.values',
    'it has no value: give it one, or leave it out',
    'a list',
  ],
  [
    { target: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', null] }] } } },
    'spec.target.labelSelector.matchExpressions.0.values.1',
    'it has no value: give it one, or leave it out',
    'a text',
  ],
  [
    { target: { labelSelector: null } },
    'spec.target.labelSelector',
    'it has no value: give it one, or leave it out',
    'a map',
  ],
  [
    { target: { names: ['a'], namespace: null } },
    'spec.target.namespace',
    'it has no value: give it one, or leave it out',
    'a text',
  ],
  [
    { target: { names: ['a', null] } },
    'spec.target.names.1',
    'it has no value: give it one, or leave it out',
    'a text',
  ],
  [
    { target: { labelSelector: { app: 'web' } } },
    'spec.target.labelSelector',
    '"app" is not known here',
    'matchLabels, matchExpressions',
  ],
  [
    { target: { labelSelector: { matchExpression: [] } } },
    'spec.target.labelSelector',
    '"matchExpression" is not known here; did you mean matchExpressions?',
    'matchLabels, matchExpressions',
  ],
  [
    { target: { labelSelector: { matchLabels: { app: 'web.' } } } },
    'spec.target.labelSelector.matchLabels.app',
    '"web." is not the value of a label, so nothing ever matches',
    LABEL_VALUE,
  ],
  [{ target: { kind: 'Node', names: ['n1'] } }, 'spec.target.kind', 'network-delay hits a Pod, not a Node', 'Pod'],
  [
    { target: { kind: 'Node', names: ['n1'], namespace: 'shop' }, action: { type: 'stress-cpu' } },
    'spec.target.namespace',
    'nodes have no namespace',
    'nothing here',
  ],
  [{ action: { type: 'stress-cpu' } }, 'spec.target.kind', 'stress-cpu hits a Node, not a Pod', 'Node'],
  [
    { target: { kind: 'Node', names: ['n1'] }, action: { type: 'network-loss', parameters: { percent: 5 } } },
    'spec.target.kind',
    'network-loss hits a Pod, not a Node',
    'Pod',
  ],
  [
    { target: { kind: 'Node', names: ['n1'] }, action: { type: 'stress-cpu' }, peers: [{ cidr: '10.0.0.1' }] },
    'spec.peers',
    'stress-cpu has no peers',
    'nothing here',
  ],
  [
    { action: { type: 'pod-cpu-stress' }, peers: [{ cidr: '10.0.0.1' }] },
    'spec.peers',
    'pod-cpu-stress has no peers',
    'nothing here',
  ],
  [
    { action: { type: 'pod-kill' }, peers: [{ cidr: '10.0.0.1' }] },
    'spec.peers',
    'pod-kill has no peers',
    'nothing here',
  ],
];
