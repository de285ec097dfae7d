/** A daemon of its own process that is asked for faults which the rules of others forbid, so that a test sees all it writes. */
import { asChaosError } from '@chaosplane/common';
import type { Lab } from '@chaosplane/testkit';
import { openNetnsHandle } from '../../src/host/kernel/netns.ts';
import { httpAbort, startLabDaemon } from '@chaosplane/testkit/lab-daemon';

const [name = '', path = '', ipv4 = '', ipv6 = ''] = process.argv.slice(2);
const target: Lab['target'] = { name, path, ipv4, ipv6, netns: openNetnsHandle(path) };
const daemon = await startLabDaemon({ target });
for (const parameters of [{ port: '8080' }, { port: '9090', side: 'client' }]) {
  const refused = daemon.execProxied(httpAbort, { ...parameters, statusCode: '503' });
  const words = await refused.then(
    () => 'not refused',
    (error: unknown) => asChaosError(error).message,
  );
  process.stdout.write(`${words}\n`);
}
await daemon.close();
process.exit(0);
