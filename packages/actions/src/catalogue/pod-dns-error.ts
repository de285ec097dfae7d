/** pod-dns-error: names do not resolve inside the pod. */
import { defined, type Parsed, refused } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { defaulted, oneOf, parsePositivePercent, required } from '../parameters/parameter.ts';
import { targetParameters } from '../parameters/scope.ts';

/** A DNS failure, understood. */
export interface PodDnsErrorSpec {
  readonly scope: { readonly podName: string; readonly podNamespace: string; readonly containerName?: string };
  /** In lower case: `api.shop`, `*.example.com`, `*`. */
  readonly domains: readonly string[];
  readonly errorType: 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' | 'timeout';
  readonly percent: number;
}

const MOST_DOMAINS = 10_000;
const domainsAllowed = `up to ${MOST_DOMAINS} names separated by commas, such as api.shop, *.example.com or *`;

function parseDomains(text: string): Parsed<readonly string[]> {
  const domains = new Set(text.split(',').map((part) => part.trim().toLowerCase()));
  if (domains.size > MOST_DOMAINS) return refused(text, `has ${domains.size} names`, domainsAllowed);
  const wrong = [...domains].find((domain) => !isPattern(domain));
  if (wrong !== undefined) return refused(wrong, 'is not a domain', domainsAllowed);
  return { ok: true, value: [...domains] };
}

/** Labels of up to 63 characters, 253 in all (RFC 1035); `_` because service records have it. */
function isPattern(domain: string): boolean {
  if (domain === '*') return true;
  const name = domain.replace(/^\*\./, '').replace(/\.$/, '');
  return name.length <= 253 && name.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

export const podDnsError = defineAction({
  name: 'pod-dns-error',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execDNSChaos', wireAction: 'error' },
  recover: 'undo',
  schemas: {
    domains: required(parseDomains, {
      description:
        "The names that fail. `api.shop` is that name, also with one of the pod's search domains behind it; `*.example.com` every name below; `*` every name. A dot at the end leaves search domains out.",
      allowed: domainsAllowed,
      form: 'list',
    }),
    errorType: defaulted(oneOf(['NXDOMAIN', 'SERVFAIL', 'REFUSED', 'timeout']), {
      description:
        '`NXDOMAIN`: there is no such name. `SERVFAIL`, `REFUSED`: the resolver cannot or will not. `timeout`: no answer.',
      allowed: 'NXDOMAIN, SERVFAIL, REFUSED or timeout',
      default: 'NXDOMAIN',
    }),
    percent: defaulted(parsePositivePercent, {
      description: 'The share of these queries that fails, each by chance.',
      allowed: 'a percentage above 0, up to 100, such as 30',
      default: '100',
    }),
    ...targetParameters,
  },
  toSpec({ podName, podNamespace, containerName, domains, errorType, percent }): PodDnsErrorSpec {
    const scope = { podName, podNamespace, ...defined({ containerName }) };
    return { scope, domains, errorType, percent };
  },
  summary: 'Names do not resolve inside the pod.',
  description: `Queries of the pod to each resolver of its resolv.conf, over UDP and TCP, pass a proxy inside its network namespace. Those for
matching names get the failure, for every type that they ask for; all others are forwarded to the resolver that was asked, and its answer comes
back byte for byte.

A program that asks for \`api.shop\` tries the search domains first, as \`options ndots\` says: \`api.shop.default.svc.cluster.local\` and
so on. \`domains: api.shop\` fails these, too. What matters is the name on the wire: a name that a search domain completes can also be
given in full, \`api.shop.svc.cluster.local.\`.

Queries to other resolvers than those of resolv.conf pass and are counted. Names in \`/etc/hosts\`, caches inside the application, DNS
over TLS or HTTPS are not queries to port 53. When the daemon dies, the kernel removes the redirect, and queries pass at once; when it
hangs, within 10 seconds. Where 1,000 queries and connections of a pod, or 2,000 of a node, are under way through proxies, new ones pass
without the fault, and are counted. Pods of a mesh (Istio, Linkerd)
work like others; where Istio captures DNS itself, the fault is refused, with the setting that turns this off.`,
  evidence: 'Queries seen, matched and failed, and queries to other resolvers. *Verified* when at least one failed.',
  example: { domains: 'api.shop,*.example.com' },
});
