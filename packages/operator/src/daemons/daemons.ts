/** The daemons, by node: one kept connection each, made when it is first needed, and again when the daemon is elsewhere. */
import { systemClock } from '@chaosplane/common';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import {
  createChannel,
  createClientFactory,
  waitForChannelReady,
  type CallOptions,
  type Channel,
  type ClientMiddlewareCall,
} from 'nice-grpc';
import { nodeLabels } from './address.ts';
import { trackUnresponsive, howItEnded, type Noted } from './unresponsive.ts';

/** How a daemon is reached. */
export interface DaemonsOptions {
  readonly credentials: ChannelCredentials;
  /** Grows when these are others than before; absent: they never are. */
  readonly generation?: () => number;
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
  // A connection that is made again would else be the one that is there.
  'grpc.use_local_subchannel_pool': 1,
};

/** A daemon that does not take new credentials yet is tried with them again after so long. */
const RENEW_AGAIN_MS = 10_000;

/** No experiment has this id. */
const NONE = 'none';

/** The connection to one node. */
interface Kept {
  readonly target: string;
  readonly name: string;
  readonly client: ChaosDaemonClient;
  /** Of the credentials that it was made with. */
  readonly generation: number;
  /** No sooner are new credentials tried, monotonic milliseconds. */
  renewAfter: number;
  /** Resolves when a call on it was let in. @throws when none is in time. */
  ready(): Promise<void>;
  /** Closes it when what was begun on it, also in a while yet, is over. */
  retire(): void;
  close(): void;
}

/** A pool of connections. */
export function connectDaemons({ credentials, generation = () => 0, targetOf, nameOf }: DaemonsOptions): Daemons {
  const kept = new Map<string, Kept>();
  const silence = trackUnresponsive(systemClock);
  let addresses: ReadonlyMap<string, string> = new Map();
  let labels: ReadonlyMap<string, string> = new Map();

  const placeOf = (node: string): Pick<Kept, 'target' | 'name'> => {
    const label = labels.get(node) ?? nodeLabels([node]).get(node) ?? node;
    return { target: targetOf(label, addresses.get(node)), name: nameOf(label) };
  };
  const open = (node: string): Kept => {
    const place = placeOf(node);
    const channel = createChannel(place.target, credentials, {
      ...quick,
      'grpc.ssl_target_name_override': place.name,
      'grpc.default_authority': place.name,
    });
    const made = { generation: generation(), renewAfter: 0 };
    return { ...place, ...made, ...clientOver(channel, () => silence.asked(node)) };
  };
  /** The connection goes on until one with the credentials of now stands: a daemon may hear of a new authority later than this. */
  const renew = async (node: string, old: Kept): Promise<void> => {
    old.renewAfter = Infinity;
    const next = open(node);
    try {
      await next.ready();
    } catch {
      old.renewAfter = systemClock.monotonic() + RENEW_AGAIN_MS;
      next.close();
      return;
    }
    // Its daemon may be elsewhere by now, or the pool closed.
    if (kept.get(node) !== old) next.close();
    else {
      kept.set(node, next);
      old.retire();
    }
  };
  return {
    of(node) {
      const known = kept.get(node) ?? open(node);
      kept.set(node, known);
      if (known.generation !== generation() && systemClock.monotonic() >= known.renewAfter) void renew(node, known);
      return known.client;
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
function clientOver(channel: Channel, note: () => Noted): Pick<Kept, 'client' | 'ready' | 'retire' | 'close'> {
  const life = new AbortController();
  let underWay = 0;
  let isOver = false;
  const closeIdle = (): void => {
    if (isOver && underWay === 0) channel.close();
  };
  async function* whileOpen<Request, Response>(call: ClientMiddlewareCall<Request, Response>, options: CallOptions) {
    const { signal } = options;
    const both = signal === undefined ? life.signal : AbortSignal.any([signal, life.signal]);
    const noted = note();
    underWay += 1;
    try {
      const response = yield* call.next(call.request, { ...options, signal: both });
      noted.ended('answered');
      return response;
    } catch (error) {
      noted.ended(howItEnded(error, both));
      throw error;
    } finally {
      underWay -= 1;
      closeIdle();
    }
  }
  const client = createClientFactory().use(whileOpen).create(ChaosDaemonDefinition, channel);
  return {
    client,
    async ready() {
      await waitForChannelReady(channel, new Date(systemClock.now() + RENEW_AGAIN_MS));
      // A connection of which no call was let in ends soon, and the next lease may be renewed later than that.
      await client.listExecutions({ experimentId: NONE }, { signal: AbortSignal.timeout(RENEW_AGAIN_MS) });
    },
    retire() {
      // A caller that was given this client may still be about to use it.
      systemClock.after(CALL_MS, () => {
        isOver = true;
        closeIdle();
      });
    },
    close() {
      life.abort();
      channel.close();
    },
  };
}
