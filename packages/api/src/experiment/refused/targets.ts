/** Experiments that are refused over targets: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const NAME = 'lower-case letters, digits, - and ., beginning and ending with a letter or digit, at most 253 long';
const TARGET_FIELDS = 'kind, namespace, labelSelector, names, mode, value, seed, dynamic';

export const targets: readonly Refused[] = [
  [{ target: {} }, 'spec.target', 'nothing says which targets are meant', 'names, labelSelector, or both'],
  [{ target: { names: [] } }, 'spec.target.names', 'it is empty', 'at least 1 item, or leave it out'],
  [{ target: { names: ['Web'] } }, 'spec.target.names.0', '"Web" is not a name', NAME],
  [{ target: { names: ['web_1'] } }, 'spec.target.names.0', '"web_1" is not a name', NAME],
  [{ target: { names: [''] } }, 'spec.target.names.0', 'it is empty', 'at least 1 character'],
  [{ target: { names: [7] } }, 'spec.target.names.0', 'it is a number', 'a text'],
  [{ target: { names: 'web' } }, 'spec.target.names', 'it is a text', 'a list'],
  [{ target: { names: ['-web'] } }, 'spec.target.names.0', '"-web" is not a name', NAME],
  [{ target: { names: ['web.'] } }, 'spec.target.names.0', '"web." is not a name', NAME],
  [{ target: { names: ['a'.repeat(254)] } }, 'spec.target.names.0', 'it is too long', 'at most 253 characters'],
  [{ target: { names: null } }, 'spec.target.names', 'it has no value: give it one, or leave it out', 'a list'],
  [
    { target: { names: ['a'], namespace: 'Shop' } },
    'spec.target.namespace',
    '"Shop" is not the name of a namespace',
    'lower-case letters, digits and -, beginning and ending with a letter or digit, at most 63 long',
  ],
  [
    { target: { names: ['a'], namespace: 'shop.eu' } },
    'spec.target.namespace',
    '"shop.eu" is not the name of a namespace',
    'lower-case letters, digits and -, beginning and ending with a letter or digit, at most 63 long',
  ],
  [{ target: { names: ['a'], namespace: '' } }, 'spec.target.namespace', 'it is empty', 'at least 1 character'],
  [{ target: { names: ['a'], namespace: ['shop', 'cart'] } }, 'spec.target.namespace', 'it is a list', 'a text'],
  [
    { target: { names: ['a'], namespaces: ['shop'] } },
    'spec.target',
    '"namespaces" is not known here; did you mean namespace?',
    TARGET_FIELDS,
  ],
  [
    { target: { names: ['a'], mode: 'two' } },
    'spec.target.mode',
    '"two" is not known',
    'one, all, fixed, fixed-percent, random-max-percent',
  ],
  [{ target: { names: ['a'], mode: 'fixed' } }, 'spec.target.value', 'mode fixed needs a value', 'a whole number'],
  [{ target: { names: ['a'], mode: 'fixed', value: 0 } }, 'spec.target.value', 'it is too little', 'at least 1'],
  [
    { target: { names: ['a'], mode: 'fixed', value: 1.5 } },
    'spec.target.value',
    '1.5 is not a whole number',
    'a whole number',
  ],
  [{ target: { names: ['a'], mode: 'fixed', value: '2' } }, 'spec.target.value', 'it is a text', 'a number'],
  [
    { target: { names: ['a'], mode: 'fixed-percent', value: 101 } },
    'spec.target.value',
    '101 is more than 100 percent',
    '1 to 100',
  ],
  [{ target: { names: ['a'], mode: 'fixed-percent', value: '10%' } }, 'spec.target.value', 'it is a text', 'a number'],
  [
    { target: { names: ['a'], mode: 'random-max-percent' } },
    'spec.target.value',
    'mode random-max-percent needs a value',
    'a whole number',
  ],
  [
    { target: { names: ['a'], mode: 'one', value: 2 } },
    'spec.target.value',
    'mode one takes no value',
    'none, or mode fixed or fixed-percent',
  ],
  [
    { target: { names: ['a'], mode: 'all', value: 50 } },
    'spec.target.value',
    'mode all takes no value',
    'none, or mode fixed or fixed-percent',
  ],
  [
    { target: { names: ['a'], mode: 'percent', value: 50 } },
    'spec.target.mode',
    '"percent" is not known',
    'one, all, fixed, fixed-percent, random-max-percent',
  ],
  [{ target: { names: ['a'], kind: 'Deployment' } }, 'spec.target.kind', '"Deployment" is not known', 'Pod, Node'],
  [{ target: { names: ['a'], kind: 'pod' } }, 'spec.target.kind', '"pod" is not known', 'Pod, Node'],
  [{ target: { names: ['a'], seed: 'x' } }, 'spec.target.seed', 'it is a text', 'a number'],
  [
    { target: { names: ['a'], dynamic: true }, action: { type: 'pod-kill' } },
    'spec.target.dynamic',
    'pod-kill happens once to each target, and would go on as long as new ones come',
    'false',
  ],
  [{ target: { names: ['a'], dynamic: 'yes' } }, 'spec.target.dynamic', 'it is a text', 'true or false'],
  [{ target: { name: 'a' } }, 'spec.target', '"name" is not known here; did you mean names?', TARGET_FIELDS],
  [{ target: { names: ['a'], selector: {} } }, 'spec.target', '"selector" is not known here', TARGET_FIELDS],
  [{ target: { pods: ['a'] } }, 'spec.target', '"pods" is not known here; did you mean names?', TARGET_FIELDS],
];
