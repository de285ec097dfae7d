/** A test bed's pods reach each other, and nothing of it outlives its end, however that comes. */
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { systemClock } from '@chaosplane/common';
import { eventually } from '@chaosplane/testkit/eventually';
import { createTestbed, type Testbed } from '../../src/index.ts';

/** Everything on the machine that carries a mark of a test bed of this name or folder. */
async function traces(folder: string, name: string): Promise<string[]> {
  const lines = [
    await readFile('/proc/self/mountinfo', 'utf8'),
    (await execa('ip', ['-o', 'link'])).stdout,
    (await execa('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', name])).stdout,
    (await execa('ps', ['-eo', 'args'])).stdout,
    (await readdir('/tmp')).join('\n'),
  ];
  const marks = [folder, folder.slice('/tmp/'.length), name];
  return lines.flatMap((text) => text.split('\n')).filter((line) => marks.some((mark) => line.includes(mark)));
}

async function noTraceLeft(folder: string, name: string): Promise<void> {
  const options = { withinMs: 15_000, everyMs: 100, is: (left: readonly string[]) => left.length === 0 };
  await eventually(`no trace of ${name}`, () => traces(folder, name), options);
}

const nameOf = async (folder: string): Promise<string> =>
  (JSON.parse(await readFile(`${folder}/testbed.json`, 'utf8')) as { name: string }).name;

async function firstCall(testbed: Testbed, url: string): Promise<unknown> {
  const caller = await testbed.runPod({ name: 'caller', containers: [{ name: 'app', args: ['call', url] }] });
  const container = caller.containers['app'];
  if (!container) throw new Error('no container');
  const stop = new AbortController();
  systemClock.after(10_000, () => stop.abort());
  let first: unknown;
  await testbed.follow(
    container,
    (line) => {
      first ??= line;
      stop.abort();
    },
    stop.signal,
  );
  return first;
}

describe('a test bed', () => {
  test('lets pods call each other over IPv4 and IPv6, beside another test bed, and leaves nothing', async () => {
    const beds = await Promise.all([createTestbed(), createTestbed()]);
    const marks = await Promise.all(beds.map(async ({ folder }) => ({ folder, name: await nameOf(folder) })));
    try {
      for (const bed of beds) {
        const server = await bed.runPod({ name: 'server', containers: [{ name: 'app', args: ['serve'] }] });
        expect(await firstCall(bed, `http://${server.ips.v4}:8080/`)).toMatchObject({ status: 200 });
        expect(await firstCall(bed, `http://[${server.ips.v6}]:8080/`)).toMatchObject({ status: 200 });
      }
    } finally {
      await Promise.all(beds.map((bed) => bed.close()));
    }
    for (const { folder, name } of marks) await noTraceLeft(folder, name);
  }, 60_000);

  test('is torn down when its owner is killed by SIGKILL', async () => {
    const owner = spawn(process.execPath, [`${import.meta.dirname}/owner.main.ts`], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const folder = await new Promise<string>((resolve) => {
      owner.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()));
    });
    const name = await nameOf(folder);
    owner.kill('SIGKILL');
    await noTraceLeft(folder, name);
  }, 60_000);
});
