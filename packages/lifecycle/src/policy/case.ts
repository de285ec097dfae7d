/** What is judged: an experiment that wants to begin, or one that is under way; and what each rule is given of it. */
import type { Policy } from '@chaosplane/api';
import type { ClusterFacts, PolicyTarget } from './cluster.ts';

/** What an experiment does, as far as policies ask. */
export interface PolicyRequest {
  /** By its own name, not an alias. */
  readonly action: string;
  /** Milliseconds. */
  readonly duration: number;
  /** Whether it wants to begin: all of its time is judged then, and all that it might have chosen. */
  readonly begins: boolean;
  /** What would be hit at the same time, or is. */
  readonly targets: readonly PolicyTarget[];
  /** What fits, drawn or not: so that the draw does not decide whether the experiment is allowed. */
  readonly fitting: readonly PolicyTarget[];
}

/** One workload of which pods are hit. */
export interface Count {
  /** `Deployment shop/web`. */
  readonly name: string;
  /** How many pods it should have; undefined where that is not known. */
  readonly desired: number | undefined;
  /** Pods that this experiment hits. */
  readonly own: number;
  /** Pods that others hit, and this one does not. */
  readonly others: number;
  /** Pods that are not Ready, or on their way out, and not hit. */
  readonly notReady: readonly string[];
  /** Pods that are Ready, and not hit. */
  readonly available: number;
}

/** One policy and one experiment in its scope. */
export interface Case {
  readonly policy: Policy;
  /** Its targets are those alone that the policy is about. */
  readonly request: PolicyRequest;
  readonly cluster: ClusterFacts;
  /** The workloads of which it hits pods, counted when they are asked for first. */
  readonly counts: () => readonly Count[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Says what is wrong, with the number and what tipped it; undefined when nothing is. Throws when it cannot be told. */
export type Rule = (it: Case) => string | undefined;
