/** What the parts of the engine share. */
import type { Clock, Logger } from '@chaosplane/common';
import type { Host } from '../host/host.ts';
import type { ExecutionRecord } from '../journal/record.ts';
import type { InstalledLayer } from '../netns/namespace.ts';
import type { PlacementChoice } from '../netns/placement.ts';
import type { Executions } from './executions.ts';
import type { Lease } from './lease.ts';
import type { Namespaces } from './namespaces.ts';

/** The engine's settings. */
export interface EngineConfig {
  /** TTL of an execution whose request gives none, in milliseconds. */
  readonly defaultTtlMs: number;
  /** The longest TTL that is accepted, in milliseconds. */
  readonly maxTtlMs: number;
  readonly placement: PlacementChoice;
}

/** The engine's parts. */
export interface EngineContext {
  readonly host: Host;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: EngineConfig;
  readonly executions: Executions;
  readonly namespaces: Namespaces;
  readonly lease: Lease;
}

/** The layer of an execution as its namespace has to hold it. */
export function installedLayer(context: Pick<EngineContext, 'lease'>, record: ExecutionRecord): InstalledLayer {
  const { shape: _shape, ...placed } = record.work;
  return { ...placed, deadline: context.lease.deadlineOf(record) };
}

/** The fields by which every log line about an execution can be found. */
export function logFields(record: ExecutionRecord): Record<string, string> {
  return {
    executionId: record.id,
    experiment: record.experimentId,
    action: record.action,
    target: `${record.target.podNamespace}/${record.target.podName}`,
  };
}
