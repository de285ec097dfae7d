/** What is in the journal survives; what cannot be read is put aside, never thrown away. */
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openJournal } from './journal.ts';
import { lockFolder } from '../host/folder-lock.ts';
import type { ExecutionRecord } from './record.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-journal-'));
});
afterEach(() => rm(folder, { recursive: true }));

const record: ExecutionRecord = {
  version: 1,
  id: 'network-loss-0123456789abcdef',
  experimentId: 'e',
  rpc: 'execNetworkChaos',
  action: 'network-loss',
  parameters: { percent: '30' },
  requestHash: 'h',
  target: {
    kind: 'pod-network',
    podNamespace: 'default',
    podName: 'web',
    podUid: 'u',
    sandboxId: 's',
    netnsPath: '/run/netns/x',
    netnsCookie: '7',
  },
  bootId: 'b',
  state: 'active',
  createdAt: 1,
  expiresAt: 2,
  operatorEpoch: 0,
  work: {
    shape: 'network',
    layer: {
      id: 'l0',
      scope: { directions: ['egress'], peers: [], ports: [], interfaces: ['eth0'] },
      effect: { kind: 'loss', percent: 30, correlationPercent: 0 },
    },
    engine: 'nft',
    hooks: 'netdev',
    mark: 0,
  },
  notes: [],
};

test('peers with ports of their own are remembered', async () => {
  const journal = await openJournal(folder);
  const cidr = { family: 4, address: '10.0.0.1', prefix: 32 } as const;
  const portPeers = [
    { cidr, ports: [{ from: 80, to: 80 }], protocol: 'tcp' as const },
    { cidr, ports: [{ from: 53, to: 54 }] },
  ];
  const { work } = record;
  const scope = { ...work.layer.scope, portPeers };
  const written = { ...record, work: { ...work, layer: { ...work.layer, scope } } };
  await journal.write(written);
  expect((await (await openJournal(folder)).load()).records).toEqual([written]);
});

test('a record of before a fault could have several interfaces is understood', async () => {
  const { interfaces: _now, ...rest } = record.work.layer.scope;
  const layer = { ...record.work.layer, scope: { ...rest, interface: 'net1' }, effect: { kind: 'partition' } };
  const before = { ...record, work: { ...record.work, layer, txQueueLength: 500 } };
  await openJournal(folder);
  await writeFile(join(folder, 'executions', `${record.id}.json`), JSON.stringify(before));
  const { records } = await (await openJournal(folder)).load();
  expect(records[0]?.work).toMatchObject({
    layer: { scope: { interfaces: ['net1'] }, effect: { kind: 'partition', how: 'silent' } },
    txQueueLength: 500,
  });
});

test('a record of before there were other targets than the networks of pods is understood', async () => {
  const { kind: _kind, ...target } = record.target;
  await openJournal(folder);
  await writeFile(join(folder, 'executions', `${record.id}.json`), JSON.stringify({ ...record, target }));
  expect(await (await openJournal(folder)).load()).toEqual({ records: [record], setAside: [] });
});

test('what was written is read by the next daemon, and what was forgotten is not', async () => {
  const journal = await openJournal(folder);
  await journal.write(record);
  await journal.write({ ...record, id: 'network-loss-1', state: 'ended' });
  await journal.writeLease({ epoch: 3, expiresAt: 9 });
  await journal.forget('network-loss-1');
  expect(await (await openJournal(folder)).load()).toEqual({
    records: [record],
    setAside: [],
    lease: { epoch: 3, expiresAt: 9 },
  });
});

test('the last sign of life is read by the next daemon', async () => {
  const journal = await openJournal(folder);
  expect(await journal.load()).not.toHaveProperty('aliveAt');
  await journal.beat(1_700_000_000_000);
  await journal.beat(1_700_000_001_234);
  expect((await (await openJournal(folder)).load()).aliveAt).toBeCloseTo(1_700_000_001_234, 0);
});

test.each([
  ['half of a record', '{"version":1,"id":"network-l'],
  ['a record of another version', JSON.stringify({ ...record, version: 2 })],
  ['a record under another name', JSON.stringify({ ...record, id: 'other' })],
  [
    'a record whose layer could not have been ours',
    JSON.stringify({ ...record, work: { ...record.work, layer: { ...record.work.layer, id: 'x; reboot' } } }),
  ],
])('%s is put aside with its content', async (_name, content) => {
  const journal = await openJournal(folder);
  const path = join(folder, 'executions', `${record.id}.json`);
  await writeFile(path, content);
  expect(await journal.load()).toEqual({ records: [], setAside: [`${path}.unreadable`] });
  expect(await readFile(`${path}.unreadable`, 'utf8')).toBe(content);
});

describe('of an execution that changes often', () => {
  const path = (): string => join(folder, 'executions', `${record.id}.json`);
  const loaded = async () => (await openJournal(folder)).load();

  test('the last change counts, whether it was to outlive the power or the daemon alone', async () => {
    const journal = await openJournal(folder);
    await journal.write({ ...record, state: 'applying' }, 'process-crash');
    await journal.sync(record.id);
    await journal.write(record, 'process-crash');
    expect((await loaded()).records).toEqual([record]);
    await journal.write({ ...record, state: 'ended' });
    expect((await loaded()).records).toEqual([{ ...record, state: 'ended' }]);
  });

  test.each([
    ['half of a line', '\n{"version":1,"id":"network-l'],
    ['zeros where a line should be', `\n${'\0'.repeat(800)}`],
    ['zeros where a line and its break should be', '\0'.repeat(800)],
    ['nothing but the break', '\n'],
  ])('%s, as a power cut may leave it, takes nothing from what was synced before', async (_name, torn) => {
    const journal = await openJournal(folder);
    await journal.write(record);
    await appendFile(path(), torn);
    const next = await openJournal(folder);
    expect(await next.load()).toEqual({ records: [record], setAside: [] });
    await next.write({ ...record, state: 'undoing' }, 'process-crash');
    expect((await loaded()).records).toEqual([{ ...record, state: 'undoing' }]);
  });

  test('a line that is whole and not understood puts the file aside: what was before it no longer holds', async () => {
    const journal = await openJournal(folder);
    await journal.write(record);
    await appendFile(path(), `\n${JSON.stringify({ ...record, version: 2 })}`);
    expect(await loaded()).toEqual({ records: [], setAside: [`${path()}.unreadable`] });
  });

  test('a file that a user removed is there again with the next change', async () => {
    const journal = await openJournal(folder);
    await journal.write(record);
    await rm(path());
    await journal.write({ ...record, state: 'undoing' }, 'process-crash');
    expect((await loaded()).records).toEqual([{ ...record, state: 'undoing' }]);
  });

  test('the file does not grow for ever', async () => {
    const journal = await openJournal(folder);
    for (let expiresAt = 0; expiresAt < 100; expiresAt++)
      await journal.write({ ...record, expiresAt }, 'process-crash');
    expect((await readFile(path(), 'utf8')).length).toBeLessThan(40 * JSON.stringify(record).length);
    expect((await loaded()).records).toEqual([{ ...record, expiresAt: 99 }]);
  });
});

test('the draft of a write that was cut off is no record', async () => {
  const journal = await openJournal(folder);
  await writeFile(join(folder, 'executions', 'network-loss-1.json.draft'), '{');
  expect(await journal.load()).toEqual({ records: [], setAside: [] });
});

test('writing leaves nothing but the record', async () => {
  const journal = await openJournal(folder);
  await journal.write(record);
  await journal.write({ ...record, state: 'undoing' });
  expect(await readdir(join(folder, 'executions'))).toEqual([`${record.id}.json`]);
});

test('a folder that cannot be used is refused with the way out', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(openJournal(join(folder, 'file'))).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
});

test('one daemon at a time keeps its journal in a folder, and another one is told which process has it', async () => {
  const unlock = await lockFolder(folder);
  const message = expect.stringContaining(`another daemon, process ${process.pid}, keeps its journal in ${folder}`);
  // The second who asks must not have wiped out what the third is told.
  for (let asked = 0; asked < 2; asked++)
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', message });
  await unlock();
  await (
    await lockFolder(folder)
  )();
});
