/** Which names a DNS fault is about: the patterns of a user against the name in a query. Pure. */

/** A rule's patterns, ready to be asked many times. */
export interface DomainMatcher {
  /** `name` as it was in the query, in any case, without a dot at the end. */
  matches(name: string): boolean;
}

/**
 * `api.shop` is that name, and that name with one of the search domains behind it, as the pod's own resolver tries it.
 * `*.example.com` is every name below it, not itself. `*` is every name. A dot at the end means: without search domains.
 * Time grows with the labels of the name, not with the number of patterns.
 */
export function domainMatcher(domains: readonly string[], searches: readonly string[]): DomainMatcher {
  const names = new Set<string>();
  const parents = new Set<string>();
  for (const domain of domains) {
    for (const full of expansions(domain, searches)) {
      if (full.startsWith('*.')) parents.add(full.slice(2));
      else names.add(full);
    }
  }
  const all = names.has('*');
  return {
    matches(name) {
      const lower = name.toLowerCase();
      if (all || names.has(lower)) return true;
      for (let dot = lower.indexOf('.'); dot >= 0; dot = lower.indexOf('.', dot + 1)) {
        if (parents.has(lower.slice(dot + 1))) return true;
      }
      return false;
    },
  };
}

function expansions(domain: string, searches: readonly string[]): string[] {
  if (domain === '*') return [domain];
  if (domain.endsWith('.')) return [domain.slice(0, -1)];
  return [domain, ...searches.map((search) => `${domain}.${search}`)];
}
