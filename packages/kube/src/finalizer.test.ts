/** Finalizers: the operator's comes and goes, others' stay, also when other clients write at the same time. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../test/server.ts';
import { createKubeClient, type KubeClient } from './client.ts';
import { isConflict, isNotFound } from './errors.ts';
import { addFinalizer, removeFinalizer } from './finalizer.ts';
import { configMaps, type ConfigMap } from './kinds.ts';

const path = '/api/v1/namespaces/shop/configmaps';
const ref = { namespace: 'shop', name: 'thing' };
const ours = 'example.io/cleanup';

let server: TestServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startTestServer();
  client = createKubeClient(server.config);
});
afterEach(async () => server[Symbol.asyncDispose]());

async function thing(finalizers: readonly string[] = ['foreign/one']): Promise<ConfigMap> {
  server.store.put(path, { metadata: { ...ref, finalizers } });
  return (await client.get(configMaps, ref))!;
}
const stored = () => client.get(configMaps, ref);

test('it is added behind the others, once', async () => {
  const added = await addFinalizer(client, configMaps, await thing(), ours);
  expect(added.metadata.finalizers).toEqual(['foreign/one', ours]);
  const writes = server.requests.length;
  expect(await addFinalizer(client, configMaps, added, ours)).toBe(added);
  expect(server.requests).toHaveLength(writes);
});

test('one that another controller added meanwhile is not lost: adding is refused, removing reads again', async () => {
  const old = await thing();
  const other = await addFinalizer(client, configMaps, old, 'foreign/two');
  expect(isConflict(await addFinalizer(client, configMaps, old, ours).catch((e: unknown) => e))).toBe(true);
  const added = await addFinalizer(client, configMaps, other, ours);
  expect(added.metadata.finalizers).toEqual(['foreign/one', 'foreign/two', ours]);
  const removed = await removeFinalizer(client, configMaps, { ...old, metadata: added.metadata }, ours);
  expect(removed.metadata.finalizers).toEqual(['foreign/one', 'foreign/two']);
});

test('removing the last one of an object that is being deleted ends it', async () => {
  const object = await addFinalizer(client, configMaps, await thing([]), ours);
  expect(await client.delete(configMaps, ref, { uid: object.metadata.uid })).toBe('deleted');
  expect((await stored())?.metadata.deletionTimestamp).toBeDefined();
  // Still the version from before the deletion.
  await removeFinalizer(client, configMaps, object, ours);
  expect(await stored()).toBeUndefined();
});

test('removing from what is gone, or is another object by now, is done', async () => {
  const object = await addFinalizer(client, configMaps, await thing(), ours);
  server.store.remove(path, 'thing');
  expect((await removeFinalizer(client, configMaps, object, ours)).metadata.finalizers).toEqual(['foreign/one']);
  await thing(['foreign/one', ours]);
  await removeFinalizer(client, configMaps, object, ours);
  expect((await stored())?.metadata.finalizers).toEqual(['foreign/one', ours]);
});

test('adding to what is gone fails, and a new object of that name is left alone', async () => {
  const object = await thing();
  server.store.remove(path, 'thing');
  expect(isNotFound(await addFinalizer(client, configMaps, object, ours).catch((e: unknown) => e))).toBe(true);
  await thing(['other/one']);
  expect(isConflict(await addFinalizer(client, configMaps, object, ours).catch((e: unknown) => e))).toBe(true);
  expect((await stored())?.metadata.finalizers).toEqual(['other/one']);
});

test('a conflict that never ends is told', async () => {
  const object = await thing([ours]);
  server.misbehave('write', ...Array<{ kind: 'status'; status: number }>(5).fill({ kind: 'status', status: 409 }));
  expect(isConflict(await removeFinalizer(client, configMaps, object, ours).catch((e: unknown) => e))).toBe(true);
});
