/** The set by which the kernel itself ends a rule: its elements time out, and with them what matches by it. */
import type { NftSet } from './ruleset.ts';

/** A time as nft writes it: `3s250ms`. */
function nftTime(ms: number): string {
  const whole = Math.max(1, Math.round(ms));
  return `${Math.floor(whole / 1000)}s${whole % 1000}ms`;
}

/**
 * While its elements live, rules that ask for it match. Its key is the packet's protocol, so ARP never matches.
 * https://wiki.nftables.org/wiki-nftables/index.php/Sets
 */
export function livenessSet(name: string, remainingMs: number): NftSet {
  const timeout = nftTime(remainingMs);
  return {
    name,
    declaration: 'typeof meta protocol ; flags timeout ;',
    elements: [`ip timeout ${timeout}`, `ip6 timeout ${timeout}`],
    timed: true,
  };
}
