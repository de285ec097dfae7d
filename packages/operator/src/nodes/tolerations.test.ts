/** How long a pod stays on a node with a taint of the effect NoExecute. The cases are those that Kubernetes 1.34 was seen to decide so. */
import { expect, test } from '@jest/globals';
import type { Toleration } from '@chaosplane/kube';
import { podOf } from '../../test/objects.ts';
import { toleratedSeconds } from './tolerations.ts';

const taint = { key: 'k', value: 'v', effect: 'NoExecute' };

test.each<[what: string, tolerations: readonly Toleration[], seconds: number]>([
  ['no toleration', [], 0],
  ['the same key and value', [{ key: 'k', value: 'v' }], Infinity],
  ['the same, for its effect', [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoExecute' }], Infinity],
  ['another value', [{ key: 'k', value: 'w' }], 0],
  ['another effect', [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }], 0],
  ['another key', [{ key: 'l', operator: 'Exists' }], 0],
  ['any value', [{ key: 'k', operator: 'Exists' }], Infinity],
  ['everything, as the kubelet has it for static pods', [{ operator: 'Exists', effect: 'NoExecute' }], Infinity],
  ['a while', [{ key: 'k', operator: 'Exists', tolerationSeconds: 5 }], 5],
  ['a time that is over', [{ key: 'k', operator: 'Exists', tolerationSeconds: -1 }], 0],
  [
    'two that match: the first one',
    [
      { key: 'k', operator: 'Exists', tolerationSeconds: 5 },
      { key: 'k', operator: 'Exists', tolerationSeconds: 3 },
    ],
    5,
  ],
])('%s', (_what, tolerations, seconds) => {
  expect(toleratedSeconds(podOf('web-1', { spec: { tolerations } }), taint)).toBe(seconds);
});
