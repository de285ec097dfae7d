/** pod-dns-error: queries for some names fail. */
import type { PodDnsErrorSpec } from '@chaosplane/actions';
import { ChaosError } from '@chaosplane/common';
import type { ProxyFault } from './fault.ts';
import { judge } from './network-scope.ts';

export const podDnsError: ProxyFault<PodDnsErrorSpec> = {
  shape: 'proxy',
  rule({ domains, errorType, percent }, { id, dns }) {
    if (dns === undefined) {
      const message = 'the resolvers of this pod are not known: the container runtime does not tell of any';
      throw new ChaosError('FAILED_PRECONDITION', `${message}; give the pod a dnsConfig with nameservers`);
    }
    const resolvers = [...new Set(dns.servers.map((server) => server.toLowerCase()))];
    return { kind: 'dns', id, domains, searches: dns.searches, resolvers, answer: errorType, percent };
  },
  evidence(rule, { seen, matched, faulted, passed }) {
    const answer = rule.kind === 'dns' ? rule.answer : '';
    const numbers = [faulted, matched, seen].map((count) => count.toLocaleString('en-US'));
    const strays = passed === 0 ? '' : `; ${passed.toLocaleString('en-US')} went to other resolvers`;
    return {
      verdict: judge(matched, faulted),
      summary: `${numbers[0] ?? ''} queries got ${answer}, of ${numbers[1] ?? ''} that match and ${numbers[2] ?? ''} seen${strays}`,
      counters: {
        queries_seen: seen,
        queries_matched: matched,
        queries_faulted: faulted,
        queries_to_other_resolvers: passed,
      },
    };
  },
};
