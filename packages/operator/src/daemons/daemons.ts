/** The daemons, by node: one kept connection each, made when it is first needed, and again when the daemon is elsewhere. */
import { systemClock } from '@chaosplane/common';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import {
  createChannel,
  createClientFactory,
  type CallOptions,
  type Channel,
  type ClientMiddlewareCall,
} from 'nice-grpc';
import { nodeLabels } from './address.ts';
import { trackUnresponsive, howItEnded, type Noted } from './unresponsive.ts';

/** How a daemon is reached. */
export interface DaemonsOptions {
  readonly credentials: ChannelCredentials;
  /** The target, in gRPC's naming, of the daemon of the node with that DNS label; `podIp`: its pod's address, where it is known. */
  readonly targetOf: (label: string, podIp: string | undefined) => string;
  /** The name that the certificate of that daemon must have. */
  readonly nameOf: (label: string) => string;
}

/** The daemons of the cluster. */
export interface Daemons {
  /** The client of a node's daemon. Calls fail with UNAVAILABLE while it cannot be reached. */
  of(node: string): ChaosDaemonClient;
  /**
   * Every node that has a daemon now, and its pod's address. What is under way to an address that has changed is given up,
   * and the next call connects again; two nodes may need labels that one alone would not.
   */
  know(podIps: ReadonlyMap<string, string>): void;
  /** Whether a call to that node waits for its answer for longer than a moment, or the last one that ended got none. */
  isUnresponsive(node: string): boolean;
  close(): void;
}

/** How long any call to a daemon may take. */
export const CALL_MS = 30_000;

/** grpc-js asks DNS again after 30 s at the earliest, and waits up to 120 s between connections, unless it is told. */
const quick: ChannelOptions = {
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 2000,
  'grpc.dns_min_time_between_resolutions_ms': 1000,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 5000,
};

/** The connection to one node. */
interface Kept {
  readonly target: string;
  readonly name: string;
  readonly client: ChaosDaemonClient;
  close(): void;
}

/** A pool of connections. */
export function connectDaemons({ credentials, targetOf, nameOf }: DaemonsOptions): Daemons {
  const kept = new Map<string, Kept>();
  const silence = trackUnresponsive(systemClock);
  let addresses: ReadonlyMap<string, string> = new Map();
  let labels: ReadonlyMap<string, string> = new Map();

  const placeOf = (node: string): Pick<Kept, 'target' | 'name'> => {
    const label = labels.get(node) ?? nodeLabels([node]).get(node) ?? node;
    return { target: targetOf(label, addresses.get(node)), name: nameOf(label) };
  };
  return {
    of(node) {
      const known = kept.get(node);
      if (known !== undefined) return known.client;
      const place = placeOf(node);
      const channel = createChannel(place.target, credentials, {
        ...quick,
        'grpc.ssl_target_name_override': place.name,
        'grpc.default_authority': place.name,
      });
      const connection = { ...place, ...clientOver(channel, () => silence.asked(node)) };
      kept.set(node, connection);
      return connection.client;
    },
    know(podIps) {
      addresses = podIps;
      labels = nodeLabels(podIps.keys());
      for (const [node, { target, name, close }] of kept) {
        const place = placeOf(node);
        if (place.target === target && place.name === name) continue;
        close();
        kept.delete(node);
      }
    },
    isUnresponsive: silence.isUnresponsive,
    close() {
      for (const { close } of kept.values()) close();
      kept.clear();
    },
  };
}

/** A client whose calls end when it is closed: a channel alone would let them wait for a peer that is gone. */
function clientOver(channel: Channel, note: () => Noted): Pick<Kept, 'client' | 'close'> {
  const life = new AbortController();
  async function* whileOpen<Request, Response>(call: ClientMiddlewareCall<Request, Response>, options: CallOptions) {
    const { signal } = options;
    const both = signal === undefined ? life.signal : AbortSignal.any([signal, life.signal]);
    const noted = note();
    try {
      const response = yield* call.next(call.request, { ...options, signal: both });
      noted.ended('answered');
      return response;
    } catch (error) {
      noted.ended(howItEnded(error, both));
      throw error;
    }
  }
  return {
    client: createClientFactory().use(whileOpen).create(ChaosDaemonDefinition, channel),
    close() {
      life.abort();
      channel.close();
    },
  };
}
