/** The engine as most tests start it: the usual limits, no log. */
import { createLogger, systemClock } from '@chaosplane/common';
import { startEngine, type Engine, type EngineConfig, type EngineParts } from '@chaosplane/daemon/engine';
import { memoryJournal } from './memory-journal.ts';

/** A host, and what differs from the usual. */
export interface TestEngineParts
  extends Pick<EngineParts, 'host'>, Partial<Pick<EngineParts, 'journal' | 'clock' | 'logger'>> {
  readonly config?: Partial<EngineConfig>;
}

/** By default with an empty journal in memory, the machine's clock, and ten minutes for an execution that asks for no time. */
export function startTestEngine({
  host,
  journal = memoryJournal(),
  clock = systemClock,
  logger = createLogger({ level: 'silent' }),
  config = {},
}: TestEngineParts): Promise<Engine> {
  return startEngine({
    host,
    journal,
    clock,
    logger,
    config: { defaultTtlMs: 600_000, maxTtlMs: 3_600_000, placement: { engine: 'auto', hooks: 'auto' }, ...config },
  });
}
