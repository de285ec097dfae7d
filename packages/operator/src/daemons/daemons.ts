/** The daemons, by node: one kept connection each, made when it is first needed. */
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { createChannel, createClient, type Channel } from 'nice-grpc';
import { nodeLabels } from './address.ts';

/** How a daemon is reached. */
export interface DaemonsOptions {
  readonly credentials: ChannelCredentials;
  /** `host:port` of the daemon of the node with that DNS label. */
  readonly addressOf: (label: string) => string;
  /** The name that the certificate of that daemon must have. */
  readonly nameOf: (label: string) => string;
}

/** The daemons of the cluster. */
export interface Daemons {
  /** The client of a node's daemon. Calls fail with UNAVAILABLE while it cannot be reached. */
  of(node: string): ChaosDaemonClient;
  /** Its address has changed: the next call connects anew. */
  forget(node: string): void;
  /** Every node that has a daemon now; two nodes may need labels that one alone would not. */
  know(nodes: Iterable<string>): void;
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
  readonly label: string;
  readonly channel: Channel;
  readonly client: ChaosDaemonClient;
}

/** A pool of connections. */
export function connectDaemons({ credentials, addressOf, nameOf }: DaemonsOptions): Daemons {
  const kept = new Map<string, Kept>();
  let labels: ReadonlyMap<string, string> = new Map();
  const labelOf = (node: string): string => labels.get(node) ?? nodeLabels([node]).get(node) ?? node;
  const forget = (node: string): void => {
    kept.get(node)?.channel.close();
    kept.delete(node);
  };
  return {
    of(node) {
      const known = kept.get(node);
      if (known !== undefined) return known.client;
      const label = labelOf(node);
      const channel = createChannel(`dns:${addressOf(label)}`, credentials, {
        ...quick,
        'grpc.ssl_target_name_override': nameOf(label),
        'grpc.default_authority': nameOf(label),
      });
      const client = createClient(ChaosDaemonDefinition, channel);
      kept.set(node, { label, channel, client });
      return client;
    },
    forget,
    know(nodes) {
      labels = nodeLabels(nodes);
      for (const [node, { label }] of kept) if (label !== labelOf(node)) forget(node);
    },
    close() {
      for (const { channel } of kept.values()) channel.close();
      kept.clear();
    },
  };
}
