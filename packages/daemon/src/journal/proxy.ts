/** What the journal remembers of an HTTP or DNS fault: the rule that its proxy applies. */
import * as z from 'zod';

const id = z.string().regex(/^[a-z][a-z0-9_]*$/);
const address = z.string().regex(/^[0-9a-f.:]+$/);
const cidr = z.object({ family: z.union([z.literal(4), z.literal(6)]), address, prefix: z.int() });

const http = z.object({
  kind: z.literal('http'),
  id,
  side: z.enum(['server', 'client']),
  port: z.int().min(1).max(65_535),
  level: z.enum(['request', 'connection']),
  match: z.object({
    path: z.string().exactOptional(),
    methods: z.array(z.string()),
    headers: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
  percent: z.number(),
  effect: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('delay'), delayMs: z.number() }),
    z.object({ kind: z.literal('status'), status: z.int() }),
    z.object({ kind: z.literal('reset') }),
  ]),
  existing: z.enum(['keep', 'reset']),
  spared: z.object({ addresses: z.array(cidr), ports: z.array(z.int()) }).exactOptional(),
});

const dns = z.object({
  kind: z.literal('dns'),
  id,
  domains: z.array(z.string()),
  searches: z.array(z.string()),
  resolvers: z.array(address),
  answer: z.enum(['NXDOMAIN', 'SERVFAIL', 'REFUSED', 'timeout']),
  percent: z.number(),
});

export const proxyWork = z.object({
  shape: z.literal('proxy'),
  engine: z.literal('proxy'),
  rule: z.discriminatedUnion('kind', [http, dns]),
});
