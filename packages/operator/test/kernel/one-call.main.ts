/** One call to a daemon with any identity, from the network namespace that it is started in: prints the status. */
import { readFileSync } from 'node:fs';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { ChannelCredentials, createChannel, createClient, Metadata, Status } from 'nice-grpc';

const [address = '', name = '', ca = '', certificate = '', key = '', token = ''] = process.argv.slice(2);
const read = (file: string): Buffer | null => (file === '' ? null : readFileSync(file));
const credentials = ChannelCredentials.createSsl(read(ca), read(key), read(certificate));
const channel = createChannel(address, credentials, { 'grpc.ssl_target_name_override': name });
const metadata = Metadata(token === '' ? {} : { authorization: `Bearer ${token}` });
let status = 'OK';
try {
  await createClient(ChaosDaemonDefinition, channel).listExecutions(
    {},
    { metadata, signal: AbortSignal.timeout(20_000) },
  );
} catch (error) {
  status = Status[(error as { code: Status }).code];
}
process.stdout.write(status, () => process.exit(0));
