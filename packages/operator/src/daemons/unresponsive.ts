/** Which nodes do not answer: no call waits for these, and what they say at last is taken all the same. */
import type { Clock } from '@chaosplane/common';
import { ClientError, Status } from 'nice-grpc';

/** A node that has not answered for so long is unresponsive. Milliseconds. */
export const PATIENCE_MS = 1000;

/** How a call ended; `unheard` says nothing of the node: the caller took it back, or no connection was there. */
export type CallEnd = 'answered' | 'unanswered' | 'unheard';

/** A call that is under way. */
export interface Noted {
  ended(how: CallEnd): void;
}

/** What is known of the nodes, by the calls to them. */
export interface UnresponsiveDaemons {
  /** A call to that node begins. */
  asked(node: string): Noted;
  isUnresponsive(node: string): boolean;
}

/** Knows of no unresponsive node at first. */
export function trackUnresponsive(clock: Pick<Clock, 'monotonic'>): UnresponsiveDaemons {
  /** Since when each call waits; the oldest comes first. */
  const waiting = new Map<string, Map<Noted, number>>();
  const unanswered = new Set<string>();
  return {
    asked(node) {
      const calls = waiting.get(node) ?? new Map<Noted, number>();
      waiting.set(node, calls);
      const noted: Noted = {
        ended(how) {
          calls.delete(noted);
          if (calls.size === 0 && waiting.get(node) === calls) waiting.delete(node);
          if (how === 'answered') unanswered.delete(node);
          if (how === 'unanswered') unanswered.add(node);
        },
      };
      calls.set(noted, clock.monotonic());
      return noted;
    },
    isUnresponsive(node) {
      if (unanswered.has(node)) return true;
      const [oldest] = waiting.get(node)?.values() ?? [];
      return oldest !== undefined && clock.monotonic() - oldest >= PATIENCE_MS;
    },
  };
}

/** What an error says of the node that was called. A refusal is an answer. */
export function howItEnded(error: unknown, signal: AbortSignal): CallEnd {
  const why = signal.reason as { readonly name?: unknown } | undefined;
  if (signal.aborted && why?.name === 'TimeoutError') return 'unanswered';
  if (!(error instanceof ClientError)) return 'unheard';
  switch (error.code) {
    case Status.DEADLINE_EXCEEDED:
      return 'unanswered';
    case Status.UNAVAILABLE:
    case Status.CANCELLED:
      return 'unheard';
    default:
      return 'answered';
  }
}
