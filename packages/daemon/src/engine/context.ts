/** What the parts of the engine share. */
import type { Clock, Logger } from '@chaosplane/common';
import type { Host } from '../contract/host.ts';
import type { ExecutionRecord } from '../journal/record.ts';
import type { EngineConfig } from './config.ts';
import type { Executions } from './executions.ts';
import type { Lease } from './lease.ts';
import type { Drivers } from './drivers/driver.ts';
import { targetName } from './target/name.ts';

/** What drivers are made of. */
export interface DriverContext {
  readonly host: Host;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: EngineConfig;
  readonly executions: Executions;
  readonly lease: Lease;
}

/** The engine's parts. */
export interface EngineContext extends DriverContext {
  readonly drivers: Drivers;
}

/** The fields by which every log line about an execution can be found. */
export function logFields(record: ExecutionRecord): Record<string, string> {
  return {
    executionId: record.id,
    experiment: record.experimentId,
    action: record.action,
    target: targetName(record.target),
  };
}
