/** A daemon of its own process that delays what a namespace sends behind a TAP device, so that a test can kill it. */
import type { Lab } from '@chaosplane/testkit';
import { openNetnsHandle } from '../../src/host/kernel/netns.ts';
import { startLabDaemon } from '@chaosplane/testkit/lab-daemon';

const [name = '', path = '', ipv4 = '', ipv6 = '', latency = ''] = process.argv.slice(2);
const target: Lab['target'] = { name, path, ipv4, ipv6, netns: openNetnsHandle(path) };
const daemon = await startLabDaemon({ target }, { engine: 'tap' });
await daemon.exec('delay', { latency });
process.stdout.write('ready\n');
setInterval(() => undefined, 60_000);
