/** The driver of faults that are processes: a stressor in the cgroup of a container, or in one of its own on the node. */
import { asChaosError, defined, KeyedMutex } from '@chaosplane/common';
import { faultOfDriver } from '../../../faults/registry.ts';
import type { EvidenceRecord, RecordOf } from '../../../journal/record.ts';
import { isOfDriver } from '../../../journal/record.ts';
import { targetIdentity, targetKey, targetName } from '../../target/name.ts';
import { resolveTarget } from '../../target/resolve.ts';
import { logFields, type DriverContext } from '../../context.ts';
import { OwnStressors } from './own-stressors.ts';
import { isThere, planProcess, type ProcessTarget } from './plan.ts';
import { HalfAppliedError, type RecordChange, type Driver, type Session } from '../driver.ts';

type ProcessRecord = RecordOf<'process'>;

/** How long after the end of a stressor its container is looked at: the kernel may be about to kill that, too. */
const SETTLE_MS = 200;

export function processDriver(context: DriverContext): Driver<'process'> {
  const { host } = context;
  const mutex = new KeyedMutex();
  const stressors = new OwnStressors(context, (id) => {
    context.clock.after(SETTLE_MS, () => void journalEnd(context, stressors, id));
  });
  return {
    async find(request) {
      const target = await resolveTarget(
        host,
        faultOfDriver('process', request.action.name).target(request.spec),
        request.pod,
      );
      const key = targetKey(target);
      return {
        identity: targetIdentity(target),
        name: targetName(target),
        key,
        enter: (work) => mutex.run(key, () => work(sessionFor(context, stressors, target))),
      };
    },
    keyOf: ({ target }) => targetKey(target),
    // A stressor can be reached, and has to be ended, also when its container is gone.
    revisit: ({ target }, work) => mutex.run(targetKey(target), () => work(sessionFor(context, stressors, target))),
    isHidden: async () => false,
    endingUnseen: () => ({ endReason: 'target-gone' }),
    gone: async (records) => records.filter(({ target }) => !isThere(context, target)),
    hasOpenResources: () => false,
    releaseGone: async () => undefined,
    async sweepOrphans(records) {
      const known = new Set(records.map(({ id }) => id));
      const orphans = host.cgroups.idle().filter((name) => !known.has(name));
      for (const name of orphans) host.cgroups.remove(name);
      return { found: orphans.map((name) => `cgroup ${name}`), complete: true };
    },
    // They end with the daemon; the next one starts them again from the journal, and finds their folders there.
    close: () => stressors.close(),
  };
}

/** Remembers what was measured of a stressor that has ended, and that it is not to be started again when memory ran out. */
async function journalEnd(context: DriverContext, stressors: OwnStressors, id: string): Promise<void> {
  const record = context.executions.get(id);
  if (record === undefined || !isOfDriver(record, 'process')) return;
  if (record.state === 'applying') context.clock.after(SETTLE_MS, () => void journalEnd(context, stressors, id));
  if (record.state !== 'active') return;
  const measure = stressors.measure(record);
  if (measure?.ended === undefined) return;
  const evidence = evidenceOf(context, stressors, record);
  context.logger.warn({ ...logFields(record), evidence: evidence?.summary }, 'stressor ended');
  const over = stressors.ranOut(id) ? { work: { ...record.work, ended: measure.ended } } : {};
  await context.executions.update(id, { ...over, ...defined({ evidence }) }).catch((error: unknown) => {
    context.logger.error({ ...logFields(record), err: error }, 'end of a stressor could not be journaled');
  });
}

function sessionFor(context: DriverContext, stressors: OwnStressors, target: ProcessTarget): Session<'process'> {
  return {
    plan: (request) => planProcess(context, target, request),
    preview: ({ work, notes }) => [
      {
        tool: 'exec',
        argv: ['stress-ng', ...work.args],
        input: [
          `in the cgroup of ${target.kind === 'node' ? 'its own' : targetName(target)}`,
          ...notes.map((note) => `note: ${note}`),
          '',
        ].join('\n'),
      },
    ],
    async apply(record) {
      try {
        const work = await stressors.start(record);
        return { work, ...freshEvidence(context, stressors, { ...record, work }) };
      } catch (error) {
        await stressors.remove(record).catch((second: unknown) => {
          const words = `${asChaosError(error).message}; and undoing it failed: ${asChaosError(second).message}`;
          throw new HalfAppliedError('INTERNAL', words, { cause: error });
        });
        throw error;
      }
    },
    remove: (record) => stressors.remove(record),
    async renew(records) {
      const changed = new Map<string, RecordChange>();
      for (const record of records) {
        const lives = stressors.lives(record);
        if (record.work.ended !== undefined || stressors.ranOut(record.id)) continue;
        if (lives && !stressors.deadlineIsBeyond(record)) continue;
        // Its own timeout cannot be moved: another one takes its place.
        await stressors.end(record);
        const work = await stressors.start(record);
        const why = lives ? 'for a later deadline' : 'after it had ended early';
        changed.set(record.id, { work, notes: [noteOf(context, why)] });
      }
      return changed;
    },
    async restore(kept, dropped) {
      for (const record of dropped) await stressors.remove(record);
      const changed = new Map<string, RecordChange>();
      for (const record of kept) {
        const evidence = record.evidence === undefined ? {} : { evidence: record.evidence };
        // What an earlier daemon started has died with it, unless this very process took over.
        await stressors.end(record);
        if (!isThere(context, target)) {
          await stressors.remove(record);
          changed.set(record.id, { ...evidence, endReason: 'target-gone' });
          continue;
        }
        if (record.work.ended !== undefined) continue;
        const work = await stressors.start(record);
        const fresh = freshEvidence(context, stressors, { ...record, work });
        changed.set(record.id, { work, ...fresh, notes: [noteOf(context, 'by the daemon that took over')] });
      }
      return changed;
    },
    measure: async (record) => evidenceOf(context, stressors, record),
  };
}

function noteOf({ clock }: DriverContext, why: string): string {
  return `the stressor was started again at ${new Date(clock.now()).toISOString()} ${why}`;
}

function freshEvidence(context: DriverContext, stressors: OwnStressors, record: ProcessRecord): RecordChange {
  const evidence = evidenceOf(context, stressors, record);
  return evidence === undefined ? {} : { evidence };
}

function evidenceOf(
  { clock }: DriverContext,
  stressors: OwnStressors,
  record: ProcessRecord,
): EvidenceRecord | undefined {
  const measure = stressors.measure(record);
  if (measure === undefined) return record.evidence;
  const { work, action } = record;
  const measured = faultOfDriver('process', action).evidence(work, measure);
  const counters = Object.entries(measured.counters).map(([name, value]) => [name, Math.max(0, Math.round(value))]);
  return {
    ...measured,
    counters: Object.fromEntries(counters) as Record<string, number>,
    engine: work.engine,
    gatheredAt: clock.now(),
  };
}
