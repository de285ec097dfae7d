/** pod-dns-error: queries for some names fail. */
import type { PodDnsErrorSpec } from '@chaosplane/actions';
import { ChaosError, countOf } from '@chaosplane/common';
import { aboutOpen } from '../../proxy/left-alone.ts';
import { aboutBeyond } from '../../proxy/limits.ts';
import type { ProxyFault } from '../fault.ts';
import { judge } from '../shared/network-scope.ts';

export const podDnsError: ProxyFault<PodDnsErrorSpec> = {
  driver: 'proxy',
  rule({ domains, errorType, percent }, { id, dns }) {
    if (dns === undefined) {
      const message = 'the resolvers of this pod are not known: the container runtime does not tell of any';
      throw new ChaosError('FAILED_PRECONDITION', `${message}; give the pod a dnsConfig with nameservers`);
    }
    const resolvers = [...new Set(dns.servers.map((server) => server.toLowerCase()))];
    return { kind: 'dns', id, domains, searches: dns.searches, resolvers, answer: errorType, percent };
  },
  evidence(rule, { seen, matched, faulted, passed, openBefore, beyond }) {
    const answer = rule.kind === 'dns' ? rule.answer : '';
    const whole = `of ${matched.toLocaleString('en-US')} that match and ${seen.toLocaleString('en-US')} seen`;
    const strays = passed === 0 ? '' : `; ${passed.toLocaleString('en-US')} went to other resolvers`;
    return {
      verdict: judge(matched, faulted),
      summary: `${countOf(faulted, 'query', 'queries')} got ${answer}, ${whole}${strays}${aboutOpen(openBefore)}${aboutBeyond(beyond)}`,
      counters: {
        queries_seen: seen,
        queries_matched: matched,
        queries_faulted: faulted,
        queries_to_other_resolvers: passed,
        connections_open_before: openBefore,
        connections_beyond_limit: beyond,
      },
    };
  },
};
