/** The operator's connections to one daemon, under load: a hundred calls a second, also when some fail. Answers each line with what came of them. */
import { createInterface } from 'node:readline';
import { createLogger, systemClock } from '@chaosplane/common';
import { loadCredentials } from '../src/daemons/credentials.ts';
import { CALL_MS, connectDaemons } from '../src/daemons/daemons.ts';

const [address = '', name = '', tls = '', token = '', onNew = ''] = process.argv.slice(2);
/** Calls a second, over the connections that an operator keeps and over new ones; a daemon lets in ten of these in a second. */
const [KEPT, NEW] = [100 - Number(onNew), Number(onNew)];
const file = (key: string): string => `${tls}/${key}`;
const identity = await loadCredentials(
  { certificate: file('tls.crt'), key: file('tls.key'), ca: file('ca.crt'), token },
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

const sum = { kept: 0, new: 0, times: [] as number[], failures: [] as string[], connections: new Set<object>() };

async function call(how: 'kept' | 'new'): Promise<void> {
  const pool = how === 'kept' ? daemons : connect();
  const startedAt = performance.now();
  try {
    const client = pool.of('node');
    if (how === 'kept') sum.connections.add(client);
    await client.listExecutions({}, { signal: AbortSignal.timeout(CALL_MS) });
    sum[how] += 1;
    if (how === 'kept') sum.times.push(performance.now() - startedAt);
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
  [sum.failures, sum.times] = [[], []];
});
lines.once('close', () => process.exit(0));

/** Begins so many in a second. After this process had to wait, `late` ones are begun as well: none is left out. */
function every(perSecond: number, late: boolean, begin: () => void): void {
  const betweenMs = 1000 / perSecond;
  let due = performance.now();
  setInterval(() => {
    for (; due <= performance.now(); due = late ? due + betweenMs : performance.now() + betweenMs) begin();
  }, 5);
}
every(KEPT, true, () => void call('kept'));
// A crowd of connections at once is what a daemon turns away.
every(NEW, false, () => void call('new'));
