/** What the controller of workflows is made of, and what it keeps of each between two visits. */
import type { ExperimentObject } from '@chaosplane/api';
import type { Clock, Logger } from '@chaosplane/common';
import type { EventRecorder, KubeClient } from '@chaosplane/kube';
import type { Finding, Graph, ProbeAnswer } from '@chaosplane/lifecycle';
import type { Opened } from './opened.ts';

/** What it is made of. */
export interface WorkflowParts {
  readonly client: KubeClient;
  /** Experiments that name the workflow of that uid as their owner, as the copy has them. */
  readonly childrenOf: (uid: string) => readonly ExperimentObject[];
  /** Wants a visit to the workflow of that key. */
  readonly wake: (key: string) => void;
  /** What the policies have against a workflow that has not begun; undefined where they are not known. */
  readonly foresee: (
    graph: Graph,
    maxParallelism: number,
    signal: AbortSignal,
  ) => Promise<readonly Finding[] | undefined>;
  readonly events: EventRecorder;
  /** Whether probes may ask loopback, link-local and metadata addresses. */
  readonly allowLocalProbes: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is kept of one workflow. All of it may be lost: what matters is written down. */
export interface WorkflowMemory {
  readonly uid: string;
  /** As it stands; absent: it is to be read. */
  opened?: Opened;
  /** What probes of steps have answered, by step and attempt. */
  readonly answers: Map<string, ProbeAnswer>;
  /** Probes that are asked at this moment. */
  readonly asking: Map<string, AbortController>;
  /** Experiments that the API server has refused, with why. */
  readonly refused: Map<string, string>;
  /** Uids of experiments whose end was asked for, and that were let go of. */
  readonly ended: Set<string>;
  readonly released: Set<string>;
  /** Those that a read of the API server has not found. */
  readonly gone: Set<string>;
}

export const newWorkflowMemory = (uid: string): WorkflowMemory => ({
  uid,
  answers: new Map(),
  asking: new Map(),
  refused: new Map(),
  ended: new Set(),
  released: new Set(),
  gone: new Set(),
});

/** What one visit works with. */
export interface VisitParts extends WorkflowParts {
  readonly memory: WorkflowMemory;
  /** `namespace/name` of the workflow. */
  readonly key: string;
  readonly signal: AbortSignal;
}
