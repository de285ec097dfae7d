/** Asks the probes of startWhen, between the visits to a schedule, until they pass. */
import type { Probe, ScheduleSpec } from '@chaosplane/api';
import { runProbes, type Prober } from '@chaosplane/probes';
import { proberIn } from '../prober.ts';
import type { ScheduleMemory, ScheduleParts } from './parts.ts';

type StartWhen = NonNullable<ScheduleSpec['startWhen']>;

/** What they are asked with. */
export interface AskParts extends Pick<ScheduleParts, 'client' | 'clock' | 'logger' | 'allowLocalProbes'> {
  readonly memory: ScheduleMemory;
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** They have said something else. */
  readonly wake: () => void;
}

/** How long after an answer they are asked again. Milliseconds. */
const AGAIN_MS = 5000;

/** Begins to ask for the run of that instant, unless it is asked for already. */
export function askUntilPassed(startWhen: StartWhen, scheduledFor: number, parts: AskParts): void {
  const { memory, clock, logger, wake } = parts;
  if (memory.asking?.scheduledFor === scheduledFor) return;
  stopAsking(memory);
  const life = new AbortController();
  const signal = AbortSignal.any([parts.signal, life.signal]);
  memory.asking = { scheduledFor, stop: () => life.abort() };
  const ask = async (): Promise<void> => {
    for (;;) {
      const said = await outcomeOf(startWhen, proberIn(parts.namespace, parts, signal));
      if (signal.aborted) return;
      const isNews = memory.asked?.scheduledFor !== scheduledFor || memory.asked.passed !== said.passed;
      memory.asked = { scheduledFor, ...said };
      if (isNews) wake();
      if (said.passed) return;
      await clock.sleep(AGAIN_MS, signal);
    }
  };
  ask().catch((error: unknown) => {
    if (!signal.aborted) logger.error({ err: error }, 'probes of a schedule are not asked any more');
  });
}

/** Ends what is still asked; what was said last is kept. */
export function stopAsking(memory: Pick<ScheduleMemory, 'asking'> | undefined): void {
  memory?.asking?.stop();
  delete memory?.asking;
}

async function outcomeOf(
  { probes, mode }: StartWhen,
  prober: Prober,
): Promise<{ readonly passed: boolean; readonly message: string }> {
  const each = mode === 'all' ? [probes] : probes.map((probe): readonly Probe[] => [probe]);
  const outcomes = await Promise.all(each.map((some) => runProbes(some, prober)));
  const passed = outcomes.find(({ outcome }) => outcome === 'pass');
  return {
    passed: passed !== undefined,
    message: passed?.message ?? outcomes.map(({ message }) => message).join('; '),
  };
}
