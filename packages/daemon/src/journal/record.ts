/** What the journal remembers of one execution: enough to undo it, to apply it again, and to tell what became of it. */
import { z } from 'zod';

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
  z.object({ kind: z.literal('loss'), percent: z.number() }),
  z.object({ kind: z.literal('partition') }),
]);

/** A network fault as it was placed on this node. */
const networkWork = z.object({
  shape: z.literal('network'),
  layer: z.object({ id: z.string().regex(/^[a-z][a-z0-9_]*$/), scope, effect }),
  engine: z.enum(['nft', 'netem', 'queue']),
  hooks: z.enum(['netdev', 'inet']),
  mark: z.number(),
  txQueueLength: z.number().exactOptional(),
});

const evidence = z.object({
  verdict: z.enum(['verified', 'no-traffic', 'not-observed']),
  engine: z.string(),
  summary: z.string(),
  counters: z.record(z.string(), z.number()),
  gatheredAt: z.number(),
});

/** The journal's format. Times are milliseconds since the epoch. */
export const recordSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[a-z0-9-]+$/),
  experimentId: z.string(),
  rpc: z.string(),
  action: z.string(),
  parameters: z.record(z.string(), z.string()),
  /** Hash of all that makes two requests the same. */
  requestHash: z.string(),
  idempotencyKey: z.string().exactOptional(),
  target: z.object({
    podNamespace: z.string(),
    podName: z.string(),
    podUid: z.string(),
    containerName: z.string().exactOptional(),
    sandboxId: z.string(),
    netnsPath: z.string(),
    /** SO_NETNS_COOKIE: tells this namespace from a later one at the same path or inode. */
    netnsCookie: z.string(),
  }),
  /** The boot in which it was applied; after another boot nothing of it exists. */
  bootId: z.string(),
  state: z.enum(['applying', 'active', 'undoing', 'undo-failed', 'ended']),
  endReason: z
    .enum(['cancelled', 'expired', 'lease-lapsed', 'target-gone', 'apply-failed', 'swept', 'done'])
    .exactOptional(),
  createdAt: z.number(),
  activeAt: z.number().exactOptional(),
  expiresAt: z.number(),
  endedAt: z.number().exactOptional(),
  /** 0: asked for by nobody who keeps a lease. */
  operatorEpoch: z.number(),
  work: networkWork,
  /** The last evidence that was gathered; final once ended. */
  evidence: evidence.exactOptional(),
  notes: z.array(z.string()),
  /** The last error of an undo that has not finished. */
  error: z.string().exactOptional(),
});

/** One execution, as the journal and the engine know it. */
export type ExecutionRecord = z.infer<typeof recordSchema>;

/** What was measured about an execution's effect. */
export type EvidenceRecord = z.infer<typeof evidence>;

/** Why an execution ended. */
export type EndReason = NonNullable<ExecutionRecord['endReason']>;
