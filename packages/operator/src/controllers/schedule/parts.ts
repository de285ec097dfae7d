/** What the controller of schedules is made of, and what it keeps of each between two visits. */
import type { Clock, Logger } from '@chaosplane/common';
import type { EventRecorder, KubeClient } from '@chaosplane/kube';
import type { Asked, ChildRun } from '@chaosplane/lifecycle';
import type { RunObject } from './children.ts';

/** What it is made of. */
export interface ScheduleParts {
  readonly client: KubeClient;
  /** Experiments and workflows that name the schedule of that uid as their owner, as the copies have them. */
  readonly childrenOf: (uid: string) => readonly RunObject[];
  /** Wants a visit to the schedule of that key. */
  readonly wake: (key: string) => void;
  readonly events: EventRecorder;
  /** Whether probes may ask loopback, link-local and metadata addresses. */
  readonly allowLocalProbes: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is kept of one schedule. All of it may be lost: what matters is written down. */
export interface ScheduleMemory {
  readonly uid: string;
  /** Runs that were made or read here, and that the copy may not have yet; with the time of that, on the monotonic clock. */
  readonly own: Map<string, { readonly child: ChildRun; readonly at: number }>;
  /** Uids of runs whose end, and whose deletion, was asked for. */
  readonly aborted: Set<string>;
  readonly deleted: Set<string>;
  /** What the probes of startWhen have said last. */
  asked?: Asked;
  /** The run whose probes are asked again and again. */
  asking?: { readonly scheduledFor: number; readonly stop: () => void };
}

export const newScheduleMemory = (uid: string): ScheduleMemory => ({
  uid,
  own: new Map(),
  aborted: new Set(),
  deleted: new Set(),
});
