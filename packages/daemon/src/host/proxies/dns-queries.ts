/** The queries that a DNS proxy forwards by UDP: a socket for each, until its answer comes. */
import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '@chaosplane/common';
import { MOST_OPEN } from '../../proxy/limits.ts';
import { UPSTREAM } from '../../proxy/names.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { udpSocket } from '../kernel/sockets.ts';

export const DNS_PORT = 53;
/** As long as a resolver library waits at most, and then some. */
const ANSWER_TIMEOUT_MS = 10_000;
/**
 * Queries that wait for an answer; the oldest is given up for one more. Those of a socket that was redirected once go on coming
 * here: nat asks for the first packet of a flow alone.
 */
const MOST_WAITING = MOST_OPEN.namespace;

/** Queries that wait for the answer of one resolver. */
export interface Queries {
  /** `answered` is called at most once. */
  forward(message: Buffer, answered: (answer: Buffer) => void, told: { onMore: () => void; onLess: () => void }): void;
  readonly waiting: number;
  close(): void;
}

interface Options {
  readonly netns: NetnsHandle;
  readonly resolver: string;
  readonly clock: Clock;
}

export function createQueries({ netns, resolver, clock }: Options): Queries {
  const six = resolver.includes(':');
  const any = { address: six ? '::' : '0.0.0.0', port: 0, mark: UPSTREAM };
  const waiting = new Set<Socket>();
  return {
    forward(message, answered, told) {
      // A socket for each query: an unpredictable port, and only the resolver's own answers get in.
      const back = createSocket(six ? 'udp6' : 'udp4');
      const end = (): void => {
        timer.cancel();
        if (!waiting.delete(back)) return;
        back.close();
        told.onLess();
      };
      const timer = clock.after(ANSWER_TIMEOUT_MS, end);
      back.on('error', end);
      back.on('message', (answer) => {
        // To another question: the resolver's answer to ours may still come.
        if (answer.length < 2 || answer.readUInt16BE(0) !== message.readUInt16BE(0)) return;
        answered(answer);
        end();
      });
      waiting.add(back);
      told.onMore();
      let fd: number;
      try {
        fd = udpSocket(netns, any);
      } catch {
        // No descriptors left: as if the query had been lost.
        end();
        return;
      }
      back.bind({ fd }, () => {
        if (!waiting.has(back)) return;
        back.connect(DNS_PORT, resolver, () => {
          back.send(message, (error) => {
            if (error !== null) end();
          });
        });
      });
      const [oldest] = waiting;
      if (waiting.size > MOST_WAITING) oldest?.emit('error', new Error('too many queries wait'));
    },
    get waiting() {
      return waiting.size;
    },
    close() {
      for (const socket of waiting) socket.close();
      waiting.clear();
    },
  };
}
