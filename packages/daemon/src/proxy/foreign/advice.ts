/** What to do about a redirect of others that is in the way of a fault, in words that help once they are followed. Pure. */
import type { ProxyRule } from '../../model/proxy-rule.ts';
import type { ForeignRedirect } from '../../model/foreign-redirect.ts';

/** Why the fault cannot be, and the way out. */
export function explainRedirect(pod: string, rule: ProxyRule, redirect: ForeignRedirect): string {
  const port = rule.kind === 'dns' ? 53 : rule.port;
  const doing = redirect.what === 'redirected' ? 'redirected' : 'kept from connection tracking';
  const verb = `${redirect.certain ? 'are' : 'may be'} ${doing}`;
  const by = `${redirect.table}, ${redirect.path.join(' → ')}: ${redirect.rule.slice(0, 200)}`;
  return `${wordsFor(pod, rule)} ${verb} by others (${by}), and ${why(redirect)}: ${wayOut(rule, port, redirect)}`;
}

const why = ({ what }: ForeignRedirect): string =>
  what === 'redirected' ? 'a proxy of ours would be in their way' : 'nothing can be redirected to a proxy then';

function wordsFor(pod: string, rule: ProxyRule): string {
  if (rule.kind === 'dns') return `DNS queries of ${pod}`;
  return rule.side === 'server'
    ? `connections to port ${rule.port} of ${pod}`
    : `connections of ${pod} to port ${rule.port} of others`;
}

function wayOut(rule: ProxyRule, port: number, { table, path, rule: words }: ForeignRedirect): string {
  const names = [table, ...path].join(' ').toLowerCase();
  const instead = 'or let the mesh inject the fault itself';
  if (isAmbient(table, path)) {
    if (rule.kind === 'dns')
      return 'annotate the pod with ambient.istio.io/dns-capture: "false", and start it again; or take it out of the ambient mesh (label istio.io/dataplane-mode: none)';
    return `take the pod out of the ambient mesh (label istio.io/dataplane-mode: none), ${instead}`;
  }
  if (names.includes('istio') || /to-ports? 150|:150(01|06|53)|TPROXY/.test(words)) {
    if (rule.kind === 'dns')
      return 'start the pod again without DNS capture (annotation proxy.istio.io/config: proxyMetadata: ISTIO_META_DNS_CAPTURE: "false")';
    const annotation = rule.side === 'server' ? 'excludeInboundPorts' : 'excludeOutboundPorts';
    return `start the pod again with the annotation traffic.sidecar.istio.io/${annotation}: "${port}", ${instead}`;
  }
  if (/proxy_init|linkerd/.test(names)) {
    const annotation = rule.kind === 'http' && rule.side === 'server' ? 'skip-inbound-ports' : 'skip-outbound-ports';
    return `start the pod again with the annotation config.linkerd.io/${annotation}: "${port}", ${instead}`;
  }
  return `let packets to port ${port} return before that rule, or choose a pod without it`;
}

/** Istio's rules for ambient mode: its chains redirect by themselves, those for sidecars call another one for that. */
function isAmbient(table: string, path: readonly string[]): boolean {
  return table.includes('istio-ambient') || path.includes('ISTIO_PRERT') || path.at(-1) === 'ISTIO_OUTPUT';
}
