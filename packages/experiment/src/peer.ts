/** The peers of a network action: addresses, or pods by their labels. */
import { z } from 'zod';
import { closed } from './schema.ts';
import { labelSelector } from './selector.ts';

/** One peer: exactly one of `cidr` and `podSelector`. */
export const peerSchema = closed({
  cidr: z.string().min(1).max(64).optional().describe('An address or a CIDR, IPv4 or IPv6.'),
  podSelector: closed({
    namespace: z.string().min(1).max(63).optional().describe("The namespace of the pods. Default: the target's."),
    labelSelector: labelSelector.describe('Which pods. Nothing in it: all of the namespace.'),
  })
    .optional()
    .describe('Pods, by their addresses and by the Services that lead to them alone.'),
  ports: z.array(z.int().min(1).max(65_535)).max(64).optional().describe('Ports of the peer. Default: every port.'),
  protocol: z.enum(['tcp', 'udp']).optional().describe('Default: every protocol.'),
}).superRefine(({ cidr, podSelector }, context) => {
  if ((cidr === undefined) !== (podSelector === undefined)) return;
  const message = cidr === undefined ? 'it names no peer' : 'it names two peers';
  context.addIssue({ code: 'custom', path: [], message, params: { allowed: 'either cidr or podSelector' } });
});

/** One peer. */
export type PeerSpec = z.output<typeof peerSchema>;
