/** The operator's calls from inside a network namespace: for each line that comes in, what was called since the line before. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { ChannelCredentials, createChannel, createClient, Metadata } from 'nice-grpc';

const [address = '', name = '', folder = ''] = process.argv.slice(2);
const file = (file: string): Buffer => readFileSync(`${folder}/${file}`);

const credentials = ChannelCredentials.createSsl(file('ca.crt'), file('tls.key'), file('tls.crt'));
const metadata = Metadata({ authorization: `Bearer ${file('token').toString().trim()}` });
const options = { 'grpc.ssl_target_name_override': name, 'grpc.use_local_subchannel_pool': 1 };

let times: number[] = [];
let failures: string[] = [];

async function call(client: ReturnType<typeof connect>['client']): Promise<void> {
  const startedAt = performance.now();
  try {
    await client.listExecutions({}, { metadata, signal: AbortSignal.timeout(10_000) });
    times.push(performance.now() - startedAt);
  } catch (error) {
    failures.push(String(error));
  }
}

function connect() {
  const channel = createChannel(address, credentials, options);
  return { client: createClient(ChaosDaemonDefinition, channel), close: () => channel.close() };
}

const lines = createInterface({ input: process.stdin });
lines.on('line', () => {
  process.stdout.write(`${JSON.stringify({ times, failures })}\n`);
  [times, failures] = [[], []];
});
lines.once('close', () => process.exit(0));

const { client } = connect();
for (let calls = 1; ; calls += 1) {
  await call(client);
  // Now and then, over a connection of its own: one that comes late is let in as well.
  if (calls % 200 === 0) {
    const late = connect();
    await late.client.listExecutions({}, { metadata, signal: AbortSignal.timeout(10_000) }).catch((error: unknown) => {
      failures.push(`a new connection: ${String(error)}`);
    });
    late.close();
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
}
