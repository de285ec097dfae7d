/** Closes sessions while another lists rules that name interfaces, in a namespace of its own. Says how many it closed. */
import { execFileSync } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { unshareNetwork } from '../../src/host/kernel/ffi.ts';
import { openNetnsHandle } from '../../src/host/kernel/netns.ts';
import { NftError, openNft } from '../../src/host/kernel/nft.ts';

const [INTERFACES, SESSIONS, AT_ONCE] = [60, 1500, 4];

unshareNetwork();
const names = Array.from({ length: INTERFACES }, (_, index) => `bridge${index}`);
execFileSync('ip', ['-batch', '-'], { input: names.map((name) => `link add ${name} type bridge\n`).join('') });
const netns = openNetnsHandle('/proc/thread-self/ns/net');
const busy = openNft(netns);
busy.run(['add table netdev lab', 'add chain netdev lab here']);
/** Each name is looked up; the last command is refused, so that the kernel has nothing to wait for. */
const commands = [
  ...names.map((name) => `add rule netdev lab here fwd to ${name}`),
  'add rule netdev lab absent accept',
];
const lookUp = (): void => {
  try {
    busy.run(commands);
  } catch (error) {
    if (!(error instanceof NftError && error.message.includes('No such file'))) throw error;
  }
};
let [opened, closed] = [0, 0];
while (closed < SESSIONS) {
  while (opened < SESSIONS && opened - closed < AT_ONCE) {
    const other = openNft(netns);
    other.run(['list tables']);
    opened += 1;
    void other.close().then(() => (closed += 1));
  }
  lookUp();
  await turn();
}
await busy.close();
netns.close();
process.stdout.write(`${closed}\n`);
