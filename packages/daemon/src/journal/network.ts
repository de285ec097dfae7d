/** What the journal remembers of a network fault: the layer as it was placed on this node, and the namespace that it is in. */
import { INTERFACE_NAME } from '@chaosplane/common';
import * as z from 'zod';
import { pod } from './target.ts';

const cidr = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  address: z.string().regex(/^[0-9a-f.:]+$/),
  prefix: z.int(),
});

const portRange = z.object({ from: z.int(), to: z.int() });

const scopeNow = z.object({
  directions: z.array(z.enum(['egress', 'ingress'])),
  peers: z.array(cidr),
  portPeers: z
    .array(z.object({ cidr, ports: z.array(portRange), protocol: z.enum(['tcp', 'udp']).exactOptional() }))
    .exactOptional(),
  hosts: z.array(z.object({ name: z.string().regex(/^[a-z0-9.-]+$/), addresses: z.array(cidr) })).exactOptional(),
  ports: z.array(portRange),
  protocol: z.enum(['tcp', 'udp', 'icmp']).exactOptional(),
  interfaces: z.array(z.string().regex(INTERFACE_NAME)).min(1),
  spared: z.object({ addresses: z.array(cidr), ports: z.array(z.int()) }).exactOptional(),
});

/** Records of builds that knew one interface for each fault have `interface`. */
const scope = z.preprocess((written) => {
  if (typeof written !== 'object' || written === null || !('interface' in written)) return written;
  const { interface: only, ...rest } = written;
  return { ...rest, interfaces: [only] };
}, scopeNow);

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
  z.object({
    kind: z.literal('partition'),
    // Records of before a partition could refuse are silent.
    how: z.enum(['silent', 'reset', 'unreachable']).default('silent'),
  }),
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
  engine: z.enum(['nft', 'netem', 'htb', 'queue', 'tap']),
  hooks: z.enum(['netdev', 'inet']),
  sink: z.boolean().exactOptional(),
  mark: z.number(),
  txQueueLengths: z.record(z.string(), z.number()).exactOptional(),
  /** Of the only interface: what builds wrote that knew one for each fault. */
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
