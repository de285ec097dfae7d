/** The peers of a network action: addresses, or pods by their labels. */
import { parsePeers, quoted } from '@chaosplane/common/pure';
import * as z from 'zod';
import { namespaceName } from './names.ts';
import { closed } from './schema.ts';
import { labelSelector } from './selector.ts';

/** One peer: exactly one of `cidr` and `podSelector`. */
export const peerSchema = closed({
  cidr: z.string().min(1).max(64).superRefine(checkCidr).optional().describe('An address or a CIDR, IPv4 or IPv6.'),
  podSelector: closed({
    namespace: namespaceName.optional().describe("The namespace of the pods. Default: the target's."),
    labelSelector: labelSelector.describe('Which pods. Nothing in it: all of the namespace.'),
  })
    .optional()
    .describe('Pods, by their addresses and by the Services that lead to them alone.'),
  ports: z
    .array(z.int().min(1).max(65_535))
    .min(1)
    .max(64)
    .optional()
    .describe('Ports of the peer. Default: every port.'),
  protocol: z.enum(['tcp', 'udp']).optional().describe('Default: every protocol.'),
}).superRefine(({ cidr, podSelector }, context) => {
  if ((cidr === undefined) !== (podSelector === undefined)) return;
  const message = cidr === undefined ? 'it names no peer' : 'it names two peers';
  context.addIssue({ code: 'custom', path: [], message, params: { allowed: 'either cidr or podSelector' } });
});

function checkCidr(text: string, { addIssue }: z.core.$RefinementCtx<string>): void {
  const parsed = parsePeers(text);
  const allowed =
    'one address or CIDR, such as 10.0.0.1, 10.0.0.0/8 or fd00::/64; host names go into the parameter peers';
  if (text === '') return;
  if (!parsed.ok) addIssue({ code: 'custom', message: parsed.wrong, params: { allowed } });
  else if (parsed.value.cidrs.length !== 1 || parsed.value.hosts.length > 0)
    addIssue({ code: 'custom', message: `${quoted(text)} is not one address or CIDR`, params: { allowed } });
}

/** One peer. */
export type PeerSpec = z.output<typeof peerSchema>;
