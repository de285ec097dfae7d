/** Makes contexts while other threads of this process open and close files, and no low descriptor is free but the reserved ones. */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { unshareNetwork } from '../../src/host/kernel/ffi.ts';
import { createHost } from '../../src/host/real-host.ts';
import { openNetnsHandle } from '../../src/host/kernel/netns.ts';
import { openNft } from '../../src/host/kernel/nft.ts';

const SESSIONS = 300;
unshareNetwork();
const netns = openNetnsHandle('/proc/thread-self/ns/net');
const host = await createHost({ nodeName: 'node' });
const taken: number[] = [];
/** What the other threads have closed is taken, too. */
const takeLow = (): void => {
  do taken.push(openSync('/dev/null', 'r'));
  while ((taken.at(-1) ?? 0) < 1024);
};
takeLow();

/** Opens a file every now and then, as the threads do that write journals. */
const OTHER = `const { closeSync, openSync } = require('node:fs');
const cell = new Int32Array(new SharedArrayBuffer(4));
for (;;) {
  const files = Array.from({ length: 4 }, () => openSync('/dev/null', 'r'));
  Atomics.wait(cell, 0, 0, 0.2);
  for (const fd of files) closeSync(fd);
}`;
const others = [new Worker(OTHER, { eval: true }), new Worker(OTHER, { eval: true })];
await sleep(200);
let served = 0;
for (let index = 0; index < SESSIONS; index++) {
  takeLow();
  const session = openNft(netns);
  session.run(['add table inet lab', 'delete table inet lab']);
  served += 1;
  await session.close();
}
await Promise.all(others.map((other) => other.terminate()));
for (const fd of taken) closeSync(fd);
await host.close();
netns.close();
process.stdout.write(`${served}\n`);
