/** Rules of others, understood as far as needed to tell where a packet goes, whichever program wrote them. */
import type { Answer, Flow } from './flow.ts';

/** A part of a rule: whether it is met. */
export type FlowCondition = (flow: Flow) => Answer;

/** What a rule does with a packet that meets it. `untracked`: no redirect of ChaosPlane can act on it. `next`: nothing of concern. */
export type Verdict =
  | { readonly kind: 'redirect' | 'untracked' | 'return' | 'end' | 'next' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** One of them, depending on the packet. */
  | { readonly kind: 'choice'; readonly choices: readonly Choice[] };

/** One way to go on. */
export interface Choice {
  readonly condition: FlowCondition;
  readonly verdict: Verdict;
}

/** One rule. */
export interface ForeignRule {
  /** For people, and only when it matters: some words cost a look at the kernel. */
  readonly words: () => string;
  readonly conditions: readonly FlowCondition[];
  readonly verdict: Verdict;
}

/** A chain; with a hook, packets get there by themselves. */
export interface ForeignChain {
  readonly name: string;
  readonly hook?: string;
  readonly rules: readonly ForeignRule[];
}

/** A table; chains by name, or by what its rules call them. */
export interface ForeignTable {
  /** `ip nat` */
  readonly name: string;
  readonly families: readonly (4 | 6)[];
  readonly chains: ReadonlyMap<string, ForeignChain>;
}
