/** What the journal remembers of a network fault: the layer as it was placed on this node, and the namespace that it is in. */
import { z } from 'zod';
import { pod } from './target.ts';

const cidr = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  address: z.string().regex(/^[0-9a-f.:]+$/),
  prefix: z.int(),
});

const portRange = z.object({ from: z.int(), to: z.int() });

const scope = z.object({
  directions: z.array(z.enum(['egress', 'ingress'])),
  peers: z.array(cidr),
  portPeers: z
    .array(z.object({ cidr, ports: z.array(portRange), protocol: z.enum(['tcp', 'udp']).exactOptional() }))
    .exactOptional(),
  hosts: z.array(z.object({ name: z.string().regex(/^[a-z0-9.-]+$/), addresses: z.array(cidr) })).exactOptional(),
  ports: z.array(portRange),
  protocol: z.enum(['tcp', 'udp', 'icmp']).exactOptional(),
  interface: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$/),
  spared: z.object({ addresses: z.array(cidr), ports: z.array(z.int()) }).exactOptional(),
});

const effect = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('delay'),
    latencyMs: z.number(),
    jitterMs: z.number(),
    correlationPercent: z.number(),
  }),
  z.object({
    kind: z.enum(['loss', 'duplicate', 'corrupt']),
    percent: z.number(),
    // Records of before losses could come in bursts have none.
    correlationPercent: z.number().default(0),
  }),
  z.object({ kind: z.literal('partition') }),
  z.object({
    kind: z.literal('bandwidth'),
    rateBits: z.number(),
    burstBytes: z.number(),
    latencyMs: z.number(),
  }),
]);

/** A network fault as it was placed on this node. */
export const networkWork = z.object({
  shape: z.literal('network'),
  layer: z.object({ id: z.string().regex(/^[a-z][a-z0-9_]*$/), scope, effect }),
  engine: z.enum(['nft', 'netem', 'htb', 'queue']),
  hooks: z.enum(['netdev', 'inet']),
  mark: z.number(),
  txQueueLength: z.number().exactOptional(),
});

/** The network namespace of a pod. */
export const networkTarget = z.object({
  kind: z.literal('pod-network'),
  ...pod,
  containerName: z.string().exactOptional(),
  sandboxId: z.string(),
  netnsPath: z.string(),
  /** SO_NETNS_COOKIE: tells this namespace from a later one at the same path or inode. */
  netnsCookie: z.string(),
});
