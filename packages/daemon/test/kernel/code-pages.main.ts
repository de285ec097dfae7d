/** Gives the pages of its program back while its threads work, and tells what is resident of files before and afterwards. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzip, gunzip } from 'node:zlib';
import { giveCodeBack } from '../../src/host/kernel/code-pages.ts';

const resident = (): number => Number(/RssFile:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

/** Of a megabyte that was packed and unpacked by another thread. */
async function sum(): Promise<number> {
  const bytes = await promisify(gunzip)(await promisify(gzip)(Buffer.alloc(1 << 20, 'chaos')));
  return createHash('sha256').update(bytes).digest().readUInt32BE();
}

const [before, after, sums]: [number[], number[], number[]] = [[], [], []];
for (let turn = 0; turn < 20; turn += 1) {
  const working = sum();
  before.push(resident());
  giveCodeBack();
  after.push(resident());
  sums.push(await working);
}
process.stdout.write(JSON.stringify({ before, after, sums }));
