/** What a fault would do, step by step: the answer of a dry run. */

/** One step of a dry run. */
export interface PlanStep {
  readonly tool: 'link' | 'nft' | 'tc' | 'queue' | 'tap' | 'proxy' | 'exec' | 'signal' | 'reboot';
  /** The argv of the process it would start; empty when it starts none. */
  readonly argv: readonly string[];
  readonly input: string;
}
