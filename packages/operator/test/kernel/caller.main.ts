/** The operator's connections to one daemon, under load: a hundred calls a second, also when some fail. Answers each line with what came of them. */
import { createInterface } from 'node:readline';
import { createLogger, systemClock } from '@chaosplane/common';
import { loadCredentials } from '../../src/daemons/credentials.ts';
import { connectDaemons } from '../../src/daemons/daemons.ts';

/** Calls a second, over the connections that an operator keeps and over new ones; a daemon lets in ten of these in a second. */
const [KEPT, NEW] = [93, 7];

const [address = '', name = '', folder = ''] = process.argv.slice(2);
const file = (key: string): string => `${folder}/${key}`;
const identity = await loadCredentials(
  { certificate: file('tls.crt'), key: file('tls.key'), ca: file('ca.crt'), token: file('token') },
  { clock: systemClock, logger: createLogger({ level: 'silent' }) },
);
const connect = () =>
  connectDaemons({
    credentials: identity.channel,
    generation: identity.generation,
    targetOf: () => `ipv4:${address}`,
    nameOf: () => name,
  });
const daemons = connect();

const sum = { kept: 0, new: 0, failures: [] as string[], connections: new Set<object>() };

async function call(how: 'kept' | 'new'): Promise<void> {
  const pool = how === 'kept' ? daemons : connect();
  try {
    const client = pool.of('node');
    if (how === 'kept') sum.connections.add(client);
    await client.listExecutions({}, { signal: AbortSignal.timeout(10_000) });
    sum[how] += 1;
  } catch (error) {
    sum.failures.push(`${how}: ${String(error)}`);
  } finally {
    if (how === 'new') pool.close();
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', () => {
  const { connections, failures, ...calls } = sum;
  const said = { ...calls, failures, connections: connections.size, generation: identity.generation() };
  process.stdout.write(`${JSON.stringify(said)}\n`);
  sum.failures = [];
});
lines.once('close', () => process.exit(0));

/** Begins so many in a second, also when this process had to wait: none is left out. */
function every(perSecond: number, begin: () => void): void {
  const since = performance.now();
  let begun = 0;
  setInterval(() => {
    for (; begun < ((performance.now() - since) * perSecond) / 1000; begun += 1) begin();
  }, 5);
}
every(KEPT, () => void call('kept'));
every(NEW, () => void call('new'));
