/** What an injection changes of its target. Pure. */
import type { TargetStatus } from '@chaosplane/api';
import { defined } from '@chaosplane/common/pure';
import type { Injected } from './executor.ts';

/** The change; undefined when the target has to be asked for again. */
export function changeOf(result: Injected, now: number): Partial<TargetStatus> | undefined {
  switch (result.kind) {
    case 'injected': {
      const { executionId, expiresAt, evidence } = result;
      return { state: 'Injected', executionId, injectedAt: now, ...defined({ expiresAt, evidence }) };
    }
    case 'missed':
      return { state: 'Missed', message: result.why };
    case 'retry':
      return undefined;
  }
}
