/** One connection to each daemon, which goes where the daemon is. */
import { afterEach, expect, test } from '@jest/globals';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { ChannelCredentials } from '@grpc/grpc-js';
import { createServer } from 'nice-grpc';
import { connectDaemons } from './daemons.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Answer = (asked: AbortSignal) => Promise<{ nodeName: string }>;

/** A daemon that says its name, on a port of its own. */
async function daemon(answer: Answer): Promise<number> {
  const server = createServer();
  const unimplemented = async (): Promise<never> => Promise.reject(new Error('not asked for here'));
  const methods = Object.keys(ChaosDaemonDefinition.methods).map((name) => [name, unimplemented]);
  server.add(ChaosDaemonDefinition, {
    ...Object.fromEntries(methods),
    getCapabilities: (_request: unknown, { signal }: { signal: AbortSignal }) => answer(signal),
  });
  const port = await server.listen('127.0.0.1:0');
  closers.push(() => server.forceShutdown());
  return port;
}

/** The daemons of pods whose address is `port`, for want of more than one address. */
function pool() {
  const daemons = connectDaemons({
    credentials: ChannelCredentials.createInsecure(),
    targetOf: (_label, port) => `ipv4:127.0.0.1:${port ?? '1'}`,
    nameOf: (label) => `${label}.test`,
  });
  closers.push(() => daemons.close());
  return daemons;
}

const named =
  (nodeName: string): Answer =>
  async () => ({ nodeName });

test('a daemon that is elsewhere now is called there', async () => {
  const [old, young] = [await daemon(named('old')), await daemon(named('young'))];
  const daemons = pool();
  daemons.know(new Map([['n1', String(old)]]));
  expect((await daemons.of('n1').getCapabilities({})).nodeName).toBe('old');
  daemons.know(new Map([['n1', String(young)]]));
  expect((await daemons.of('n1').getCapabilities({})).nodeName).toBe('young');
});

test('a call to where the daemon was is given up, and does not wait for its deadline', async () => {
  const asked = Promise.withResolvers<undefined>();
  const silent = await daemon(async (signal) => {
    asked.resolve(undefined);
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  const daemons = pool();
  daemons.know(new Map([['n1', String(silent)]]));
  const call = daemons.of('n1').getCapabilities({});
  const given = expect(call).rejects.toThrow('aborted');
  await asked.promise;
  daemons.know(new Map([['n1', String(await daemon(named('young')))]]));
  await given;
});

test('what is told again and is the same keeps its connection', async () => {
  const port = String(await daemon(named('n1')));
  const daemons = pool();
  daemons.know(new Map([['n1', port]]));
  const client = daemons.of('n1');
  daemons.know(
    new Map([
      ['n1', port],
      ['n2', '1'],
    ]),
  );
  expect(daemons.of('n1')).toBe(client);
});
