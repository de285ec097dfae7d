/** Which pods of a node a drain evicts, which stay and which it refuses: as kubectl drain, with ChaosPlane's own left alone. */
import { expect, test } from '@jest/globals';
import { owned, podOf } from '../../test/objects.ts';
import { judgePods, type DrainRules } from './pods.ts';

const rules: DrainRules = {
  namespace: 'chaosplane',
  ignoreDaemonSets: true,
  deleteEmptyDirData: true,
  force: false,
};
const mirror = { annotations: { 'kubernetes.io/config.mirror': 'hash' } };
const bare = { metadata: { ownerReferences: [] } };
const emptyDir = { spec: { volumes: [{ name: 'cache', emptyDir: {} }] } };
const ofDaemonSet = { metadata: { ownerReferences: [owned('DaemonSet')] } };
const ending = { deletionTimestamp: '2026-01-01T00:01:00Z' };
const own = (part: string, namespace = 'chaosplane') => ({
  metadata: { namespace, labels: { 'app.kubernetes.io/name': 'chaosplane', 'app.kubernetes.io/component': part } },
});
const since = (creationTimestamp: string) => ({ metadata: { creationTimestamp } });
const stays = (why: RegExp) => ({ what: 'stays', why: expect.stringMatching(why) });
const refused = (why: RegExp) => ({ what: 'refused', why: expect.stringMatching(why) });
const begunAt = Date.parse('2026-01-01T00:10:00Z');

test.each<[pod: string, more: Parameters<typeof podOf>[1], change: Partial<DrainRules>, judged: object]>([
  ['of a ReplicaSet', {}, {}, { what: 'evict' }],
  ['of a StatefulSet', { metadata: { ownerReferences: [owned('StatefulSet')] } }, {}, { what: 'evict' }],
  ['of a Job', { metadata: { ownerReferences: [owned('Job')] } }, {}, { what: 'evict' }],
  ['that is not scheduled by its phase yet', { status: { phase: 'Pending' } }, {}, { what: 'evict' }],
  ['of a DaemonSet', ofDaemonSet, {}, stays(/^of a DaemonSet$/)],
  ['of a DaemonSet, if these are not ignored,', ofDaemonSet, { ignoreDaemonSets: false }, refused(/ignoreDaemonSets/)],
  ['without a controller', bare, {}, refused(/would not come back \(force is false\)/)],
  ['without a controller, by force,', bare, { force: true }, { what: 'evict' }],
  ['with an owner that controls nothing', { metadata: { ownerReferences: [{ kind: 'X' }] } }, {}, refused(/force/)],
  ['with an emptyDir', emptyDir, {}, { what: 'evict' }],
  ['with an emptyDir that is to be kept', emptyDir, { deleteEmptyDirData: false }, refused(/deleteEmptyDirData/)],
  ['with other volumes', { spec: { volumes: [{ name: 'c' }] } }, { deleteEmptyDirData: false }, { what: 'evict' }],
  ['that is static', { metadata: { ...mirror, ownerReferences: [] } }, { force: true }, stays(/^static$/)],
  ['of the node itself', { metadata: { ownerReferences: [{ kind: 'Node' }] } }, { force: true }, stays(/^static$/)],
  ['that succeeded', { status: { phase: 'Succeeded' } }, {}, stays(/^ended before$/)],
  ['that failed, without a controller,', { ...bare, status: { phase: 'Failed' } }, {}, stays(/^ended before$/)],
  ['on its way out', { metadata: ending }, {}, { what: 'ending' }],
  ['on its way out, without a controller,', { metadata: { ...ending, ownerReferences: [] } }, {}, { what: 'ending' }],
  ['on its way out, of a DaemonSet,', { metadata: { ...ending, ...ofDaemonSet.metadata } }, {}, stays(/DaemonSet/)],
  ['of the operator', own('operator'), { force: true }, stays(/^of ChaosPlane$/)],
  ['of a daemon, if DaemonSets are not ignored,', own('daemon'), { ignoreDaemonSets: false }, stays(/ChaosPlane/)],
  ['that only says it is the operator', own('operator', 'shop'), {}, { what: 'evict' }],
  ['of another part of the chart', own('certificates'), {}, { what: 'evict' }],
  ['that came after the cordon', since('2026-01-01T00:10:06Z'), { begunAt }, stays(/^came after the cordon$/)],
  ['that was there at the cordon', since('2026-01-01T00:10:00Z'), { begunAt }, { what: 'evict' }],
  ['that an API server with another clock made then', since('2026-01-01T00:10:05Z'), { begunAt }, { what: 'evict' }],
])('a pod %s', (_pod, more, change, judged) => {
  const [found, ...others] = judgePods([podOf('web-1', more)], { ...rules, ...change });
  expect(others).toEqual([]);
  expect(found).toMatchObject(judged);
});
