/**
 * What version 0.1.0 of 2026-11-29 (commit 2bf5609) wrote to its journal and to a namespace: this build takes it over, with the
 * faults in force, and undoes it. The two files are what that build wrote, but for addresses of the machine and times.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@chaosplane/common';
import { createLab, distribution, ip, memoryJournal, sendOneWay, type Lab } from '@chaosplane/testkit';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createHost } from '../../src/host/real-host.ts';
import { recordSchema, type ExecutionRecord } from '../../src/journal/record.ts';
import { emulated, kernelCapabilities, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(60_000);

const COUNT = 200;
const written = (name: string): string => readFileSync(join(import.meta.dirname, 'build-before', name), 'utf8');
const capability = await kernelCapabilities();
/** A delay in user space is not on time in an emulated machine. */
const delays = capability('tun').available && !emulated;

let lab: Lab;
let daemon: LabDaemon | undefined;

beforeEach(() => {
  lab = createLab({ peers: 3 });
});
afterEach(async () => {
  await daemon?.close();
  lab.close();
});

async function recordsOfBefore({ target }: Lab): Promise<ExecutionRecord[]> {
  const host = await createHost({ nodeName: 'node' });
  const { cookie } = host.openNetns(target.path);
  const here = { target: target.name, path: target.path, cookie, boot: host.bootId };
  await host.close();
  const text = written('records.json').replaceAll(
    /\{(target|path|cookie|boot)\}/g,
    (_, key: keyof typeof here) => here[key],
  );
  const now = systemClock.now();
  return (JSON.parse(text) as object[]).map((record) =>
    recordSchema.parse({ ...record, createdAt: now, activeAt: now, expiresAt: now + 600_000 }),
  );
}

const nft = (...argv: readonly string[]): string => ip('netns', 'exec', lab.target.name, 'nft', ...argv);

test('its records and rulesets are taken over with the faults in force, counted on, and undone', async () => {
  nft('-f', join(import.meta.dirname, 'build-before', 'rules.nft'));
  const [cut, lossy, other] = [lab.peer(0), lab.peer(1), lab.peer(2)];
  expect((await sendOneWay(lab.target, cut, { count: COUNT })).received).toBe(0);

  const records = await recordsOfBefore(lab);
  const journal = memoryJournal();
  for (const record of records) await journal.write(record);
  daemon = await startLabDaemon(lab, {}, {}, journal);

  expect((await daemon.engine.list({ includeEnded: false })).map(({ record }) => record.id).toSorted()).toEqual(
    records.map(({ id }) => id).toSorted(),
  );
  expect((await sendOneWay(lab.target, cut, { count: COUNT })).received).toBe(0);
  const { received } = await sendOneWay(lossy, lab.target, { count: COUNT });
  expect(received).toBeGreaterThan(0.3 * COUNT);
  expect(received).toBeLessThan(0.7 * COUNT);
  if (delays) {
    const { times } = await sendOneWay(lab.target, other, { count: 20, withinMs: 2000 });
    expect(distribution(times).least).toBeGreaterThan(59);
  }

  const partition = records.find(({ action }) => action === 'network-partition')!;
  // What was dropped before this build had it in hand counts as well.
  const { evidence } = await daemon.observe(partition);
  expect(evidence?.counters['packets_dropped']).toBe(2 * COUNT);
  for (const record of records) await daemon.cancel(record);
  expect(nft('list', 'tables')).toBe('');
  expect((await sendOneWay(lab.target, cut, { count: COUNT })).received).toBe(COUNT);
});
