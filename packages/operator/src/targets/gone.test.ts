/** What is said of a pod that its daemon does not find any more. */
import { expect, test } from '@jest/globals';
import type { Pod } from '@chaosplane/kube';
import { whyGone } from './gone.ts';

const pod = (metadata: object, status: object = { phase: 'Running' }): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', uid: 'u1', ...metadata },
  status,
});

test.each([
  ['nothing has its name', undefined, 'its pod was deleted'],
  ['another pod has its name', pod({ uid: 'u2' }), 'its pod was deleted, and another one has its name'],
  ['it is on its way out', pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }), 'its pod is being deleted'],
  [
    'it was evicted',
    pod({}, { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }),
    'its pod was ended (Evicted: The node was low on resource: memory.)',
  ],
  ['it is done', pod({}, { phase: 'Succeeded' }), 'its pod has ended (Succeeded)'],
  ['it runs', pod({}), 'its containers were started again, or its network was made again'],
])('%s', (_what, found, words) => {
  expect(whyGone(found, 'u1')).toBe(words);
});
