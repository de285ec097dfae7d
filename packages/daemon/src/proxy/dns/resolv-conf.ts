/** What a resolv.conf says of resolvers and search domains. Pure. */
import { isIP } from 'node:net';

/** The part of it that matters to a DNS fault. */
export interface ResolverConfig {
  /** In the order in which they are asked; without those that have a zone, which are on one link only. */
  readonly resolvers: readonly string[];
  /** In lower case, without a dot at the end. */
  readonly searches: readonly string[];
}

/** Reads it as resolv.conf(5) says: the last `search` or `domain` counts, and what is not understood is passed over. */
export function parseResolvConf(text: string): ResolverConfig {
  const resolvers = new Set<string>();
  let searches: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[;#].*$/, '')
      .trim()
      .split(/\s+/);
    const [first] = values;
    if (keyword === 'nameserver' && first !== undefined && isIP(first) !== 0 && !first.includes('%')) {
      resolvers.add(first.toLowerCase());
    }
    if (keyword === 'search' || keyword === 'domain') searches = values;
  }
  return { resolvers: [...resolvers], searches: searches.map(canonicalDomain).filter((domain) => domain !== '') };
}

function canonicalDomain(domain: string): string {
  return domain.toLowerCase().replace(/\.+$/, '');
}
