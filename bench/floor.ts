/** The least that a partition needs of the kernel. */

export function bareRules(peers: readonly string[]): string[] {
  return [
    'add table inet chaosplane_bench',
    'add set inet chaosplane_bench p { type ipv4_addr ; }',
    `add element inet chaosplane_bench p { ${peers.join(', ')} }`,
    'add chain inet chaosplane_bench o { type filter hook output priority 0 ; }',
    'add rule inet chaosplane_bench o ip daddr @p counter drop',
  ];
}

export const DELETE_BARE_RULES = ['delete table inet chaosplane_bench'];
