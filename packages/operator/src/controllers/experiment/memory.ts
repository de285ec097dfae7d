/** What is remembered of an experiment between two visits, and may be forgotten: another operator begins without it. */
import type { Clock } from '@chaosplane/common';
import { newDecisionMemory, type DecisionMemory, type ProbeOutcome } from '@chaosplane/lifecycle';
import type { Sampling } from '@chaosplane/probes';
import { createCalls, type Calls } from '../../daemons/calls.ts';
import type { Stored } from './store.ts';

/** The probes of one side, under way. */
export interface Probing {
  readonly side: 'before' | 'after';
  readonly done: Promise<ProbeOutcome>;
  stop(): void;
}

/** What is remembered. */
export interface VisitMemory extends DecisionMemory {
  /** Of the experiment; another of its name is another one. */
  readonly uid: string;
  /** How often each target, by uid, was asked for in vain. */
  readonly tried: Map<string, number>;
  /** Targets, by uid, that could not be hit yet: why, and before when, on the monotonic clock, they are not asked for again. */
  readonly later: Map<string, { readonly notBefore: number; readonly why: string }>;
  /** Calls to nodes that go on between visits. */
  readonly calls: Calls;
  /** On the monotonic clock: when a visit was left while injections were under way. */
  leftAt: number;
  probing?: Probing;
  /** The probes that are asked again and again. */
  sampling?: Sampling;
  /** What the API server had after the last visit. */
  stored?: Stored;
}

/** Remembers nothing yet; `wake` is called when a call is answered for which no visit waits. */
export function newVisitMemory(uid: string, tools: { readonly clock: Clock; readonly wake: () => void }): VisitMemory {
  const calls = createCalls(tools);
  return { ...newDecisionMemory(), uid, leftAt: -Infinity, tried: new Map(), later: new Map(), calls };
}
