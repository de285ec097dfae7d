/** The controller of ChaosSchedules: it makes the experiments and workflows of runs, and injects nothing itself. */
import { chaosSchedules } from '@chaosplane/api';
import { refOfKey, type Reconciler } from '@chaosplane/kube';
import { visitSchedule } from '@chaosplane/lifecycle';
import { stopAsking } from './asking.ts';
import { newScheduleMemory, type ScheduleMemory, type ScheduleParts } from './parts.ts';
import { schedulePorts } from './ports.ts';

/** A clock on the wall may be set while a visit is waited for: it is not waited for longer. Milliseconds. */
const LONGEST_MS = 10 * 60_000;

/** The reconciler of the work queue; keys are `namespace/name`. */
export function scheduleReconciler(parts: ScheduleParts): Reconciler {
  const memories = new Map<string, ScheduleMemory>();
  const forget = (key: string): void => {
    stopAsking(memories.get(key));
    memories.delete(key);
  };
  return async (key, signal) => {
    // Not from the copy: a run that was made and forgotten since is known by what was written last alone.
    const object = await parts.client.get(chaosSchedules, refOfKey(key), { signal });
    const uid = object?.metadata.uid ?? '';
    if (memories.get(key)?.uid !== uid) forget(key);
    if (object === undefined) return undefined;
    const memory = memories.get(key) ?? newScheduleMemory(uid);
    memories.set(key, memory);
    const asking = { goesOn: false };
    const onAsk = (): void => void (asking.goesOn = true);
    const ports = await schedulePorts(object, { ...parts, memory, key, signal, onAsk });
    const next = await visitSchedule(ports);
    if (!asking.goesOn) stopAsking(memory);
    if (next === undefined) forget(key);
    if (next?.at === undefined) return undefined;
    return { requeueAfterMs: Math.min(Math.max(0, next.at - parts.clock.now()), LONGEST_MS) };
  };
}
