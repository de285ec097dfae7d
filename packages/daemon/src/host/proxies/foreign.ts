/** Looks at the rules of others in a namespace, of nftables and of old iptables: whether they redirect what a fault is about. */
import type { ForeignRedirect } from '../../model/foreign-redirect.ts';
import { redirectOf } from '../../proxy/foreign/follow.ts';
import { flowsOf } from '../../proxy/foreign/flows.ts';
import { chainsIn, lookupsIn, tablesIn, type Details } from '../../proxy/foreign/nft-json.ts';
import type { ProxyRule } from '../../model/proxy-rule.ts';
import { listInterfaces } from '../kernel/links.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { NftError, type NftSession } from '../kernel/nft.ts';
import { legacyTables } from './legacy-tables.ts';
import { xtParts } from './xt-parts.ts';

/** The redirect that packets of the rule would meet; undefined: they go where they are sent. */
export function foreignRedirect(netns: NetnsHandle, nft: NftSession, rule: ProxyRule): ForeignRedirect | undefined {
  const tables = [...tablesIn(printedBy(nft), detailsIn(netns, nft)), ...legacyTables(netns)];
  const found = flowsOf(rule, listInterfaces(netns)).flatMap((flow) => redirectOf(tables, flow) ?? []);
  return found.find(({ certain }) => certain) ?? found[0];
}

/** What nft takes for a name; others may have made names that it cannot say. */
const NAME = /^[A-Za-z][A-Za-z0-9_./-]*$/;

/**
 * The chains that matter, as JSON, each by itself: for a table with one flag (`owner`, as ours have), nftables 1.0.6 prints memory that
 * it has freed, so that no table is ever listed that way.
 */
function printedBy(nft: NftSession): string[] {
  const chains = chainsIn(nft.run(['list chains'], 'json'))
    .filter(({ table, name }) => NAME.test(table) && NAME.test(name))
    .flatMap(({ family, table, name }) => printed(nft, `list chain ${family} ${table} ${name}`));
  const lookups = new Set(chains.flatMap(lookupsIn));
  return [...chains, ...[...lookups].flatMap((command) => printed(nft, command))];
}

/** Nothing when others have taken it away meanwhile. */
function printed(nft: NftSession, command: string): string[] {
  try {
    return [nft.run([command], 'json')];
  } catch (error) {
    if (error instanceof NftError && error.notFound) return [];
    throw error;
  }
}

/** Each chain is looked at once, when it is needed. */
function detailsIn(netns: NetnsHandle, nft: NftSession): Details {
  const [listed, parts] = [new Map<string, readonly string[]>(), new Map<string, ReturnType<typeof xtParts>>()];
  return {
    words(chain, handle) {
      const lines = listed.get(chain) ?? nft.run([`list chain ${chain}`], 'handles').split('\n');
      listed.set(chain, lines);
      const end = ` # handle ${handle}`;
      const line = lines.find((one) => one.endsWith(end)) ?? end;
      return line.slice(0, -end.length).replaceAll(/\s+/g, ' ').trim();
    },
    parts(chain, handle) {
      const [family = '', table = '', name = ''] = chain.split(' ');
      const found = parts.get(chain) ?? xtParts(netns, { family, table, chain: name });
      parts.set(chain, found);
      return found.get(handle) ?? [];
    },
  };
}
