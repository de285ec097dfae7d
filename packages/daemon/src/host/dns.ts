/** Host names as a pod sees them: asked of the pod's own DNS servers, by sockets inside the pod's network. */
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { ChaosError, systemClock } from '@chaosplane/common';
import { decode, encode, RECURSION_DESIRED, type DecodedPacket } from 'dns-packet';
import type { DnsView, ResolvedName } from '../contract/host.ts';
import type { NetnsHandle } from './kernel/netns.ts';
import { viewOf } from './runtime/sandbox-info.ts';
import { udpSocket } from './kernel/sockets.ts';

const PORT = 53;
/** As resolv.conf(5): each server so long, and all of them so often. */
const [PATIENCE_MS, ROUNDS] = [1500, 2];

/** Response codes of RFC 1035. */
const [NO_ERROR, NO_SUCH_NAME] = [0, 3];
const responseCode = ({ flags = 0 }: DecodedPacket): number => flags & 0xf;

/** What the daemon's own resolv.conf says. */
export async function daemonView(): Promise<DnsView> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  return viewOf(text) ?? { servers: [], searches: [], ndots: 1 };
}

/** The names that a resolver tries for `name`, in their order. */
export function candidates(name: string, { searches, ndots }: DnsView): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const completed = searches.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= ndots ? [name, ...completed] : [...completed, name];
}

/**
 * The addresses of `name`, of both IP versions.
 * @throws ChaosError FAILED_PRECONDITION when it has none, or no server answers.
 */
export async function lookUp(
  netns: NetnsHandle,
  name: string,
  view: DnsView,
  signal: AbortSignal,
): Promise<ResolvedName> {
  const wayOut = 'correct the name, or give addresses';
  const asked = view.servers.join(', ') || 'no resolver, for there is no nameserver in resolv.conf';
  for (const candidate of candidates(name, view)) {
    const answers = await Promise.all([
      ask(netns, view, candidate, 'A', signal),
      ask(netns, view, candidate, 'AAAA', signal),
    ]);
    // One of the two may be refused by an odd server; both are when none answers.
    if (answers.every((answer) => answer === undefined)) {
      const message = `the host name ${name} cannot be looked up: no answer about ${candidate} from the pod's DNS (${asked})`;
      throw new ChaosError('FAILED_PRECONDITION', `${message}; ${wayOut}`);
    }
    const found = answers.flatMap((answer) => (answer === undefined ? [] : addressesIn(answer)));
    if (found.length === 0) continue;
    const ttlMs = 1000 * Math.min(...found.map(({ ttl }) => ttl));
    return { addresses: [...new Set(found.map(({ address }) => address))], ttlMs };
  }
  throw new ChaosError(
    'FAILED_PRECONDITION',
    `the host name ${name} has no address in the pod's DNS (${asked}): ${wayOut}`,
  );
}

interface AnsweredName {
  readonly address: string;
  /** Seconds, of the shortest-lived record on the way to it. */
  readonly ttl: number;
}

/** Aliases are followed by the server; their records are in the same answer. */
function addressesIn({ answers = [] }: DecodedPacket): AnsweredName[] {
  const ttls = answers.flatMap((record) => ('ttl' in record && record.ttl !== undefined ? [record.ttl] : []));
  return answers.flatMap((record) =>
    record.type === 'A' || record.type === 'AAAA' ? [{ address: record.data, ttl: Math.min(...ttls) }] : [],
  );
}

/** The first answer that a server gives; undefined when none does, or all say that they cannot. */
async function ask(
  netns: NetnsHandle,
  { servers }: DnsView,
  name: string,
  type: 'A' | 'AAAA',
  signal: AbortSignal,
): Promise<DecodedPacket | undefined> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of servers) {
      signal.throwIfAborted();
      const answer = await exchange(netns, server, name, type, signal);
      // A name that does not exist is an answer; a server that cannot say is none.
      if (answer !== undefined && [NO_ERROR, NO_SUCH_NAME].includes(responseCode(answer))) return answer;
    }
  }
  return undefined;
}

async function exchange(
  netns: NetnsHandle,
  server: string,
  name: string,
  type: 'A' | 'AAAA',
  signal: AbortSignal,
): Promise<DecodedPacket | undefined> {
  const six = isIPv6(server);
  const socket = createSocket(six ? 'udp6' : 'udp4');
  const done = Promise.withResolvers<DecodedPacket | undefined>();
  const giveUp = (): void => done.resolve(undefined);
  const late = systemClock.after(PATIENCE_MS, giveUp);
  signal.addEventListener('abort', giveUp);
  try {
    socket.on('error', giveUp);
    await new Promise<void>((resolve) => {
      socket.bind({ fd: udpSocket(netns, { address: six ? '::' : '0.0.0.0', port: 0 }) }, resolve);
    });
    const id = Number.parseInt(systemClock.randomHex(2), 16);
    socket.on('message', (message, from) => {
      const answer = answerIn(message, id, name);
      if (answer !== undefined && from.port === PORT) done.resolve(answer);
    });
    const query = encode({
      type: 'query',
      id,
      flags: RECURSION_DESIRED,
      questions: [{ type, name }],
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: 1232,
          flags: 0,
          extendedRcode: 0,
          ednsVersion: 0,
          flag_do: false,
          options: [],
        },
      ],
    });
    socket.send(query, PORT, server, (error) => {
      if (error !== null) giveUp();
    });
    return await done.promise;
  } finally {
    late.cancel();
    signal.removeEventListener('abort', giveUp);
    socket.close();
  }
}

/** Undefined for what is no answer to this very question. */
function answerIn(message: Buffer, id: number, name: string): DecodedPacket | undefined {
  try {
    const packet = decode(message);
    const asked = packet.questions?.[0]?.name.toLowerCase();
    return packet.type === 'response' && packet.id === id && asked === name.toLowerCase() ? packet : undefined;
  } catch {
    return undefined;
  }
}
