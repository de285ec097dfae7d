/** The shape of faults that are processes: a stressor in the cgroup of a container, or in one of its own on the node. */
import { asChaosError, defined } from '@chaosplane/common';
import type { EvidenceRecord, RecordOf } from '../../journal/record.ts';
import { isOfShape } from '../../journal/record.ts';
import { findAim, siteOfTarget } from '../aim.ts';
import type { ShapeContext } from '../context.ts';
import { subjectOf, targetName } from '../target.ts';
import { Turns } from '../turns.ts';
import { createOwnStressors, type OwnStressors } from './own-stressors.ts';
import { isThere, planProcess, processFaultOf, type ProcessTarget } from './process-plan.ts';
import { HalfAppliedError, type Change, type Shape, type Site } from './shape.ts';

type ProcessRecord = RecordOf<'process'>;

/** How long after the end of a stressor its container is looked at: the kernel may be about to kill that, too. */
const SETTLE_MS = 200;

export function processShape(context: ShapeContext): Shape<'process'> {
  const { host } = context;
  const turns = new Turns();
  const stressors: OwnStressors = createOwnStressors(context, (id) => {
    context.clock.after(SETTLE_MS, () => void journalEnd(context, stressors, id));
  });
  return {
    async find(request) {
      const target = await findAim(host, processFaultOf(request.action.name).aim(request.spec as never), request.pod);
      const site = siteOfTarget(target);
      return {
        subject: subjectOf(target),
        name: targetName(target),
        site,
        enter: (work) => turns.take(site, () => work(siteFor(context, stressors, target))),
      };
    },
    siteOf: ({ target }) => siteOfTarget(target),
    // A stressor can be reached, and has to be ended, also when its container is gone.
    revisit: ({ target }, work) => turns.take(siteOfTarget(target), () => work(siteFor(context, stressors, target))),
    isHidden: async () => false,
    endingUnseen: () => ({ endReason: 'target-gone' }),
    gone: async (records) => records.filter(({ target }) => !isThere(context, target)),
    holds: () => false,
    letGo: async () => undefined,
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
async function journalEnd(context: ShapeContext, stressors: OwnStressors, id: string): Promise<void> {
  const record = context.executions.get(id);
  if (record === undefined || !isOfShape(record, 'process')) return;
  if (record.state === 'applying') context.clock.after(SETTLE_MS, () => void journalEnd(context, stressors, id));
  if (record.state !== 'active') return;
  const measure = stressors.measure(record);
  if (measure?.ended === undefined) return;
  const evidence = evidenceOf(context, stressors, record);
  context.logger.warn({ executionId: id, evidence: evidence?.summary }, 'stressor ended');
  const over = stressors.ranOut(id) ? { work: { ...record.work, ended: measure.ended } } : {};
  await context.executions.update(id, { ...over, ...defined({ evidence }) }).catch((error: unknown) => {
    context.logger.error({ executionId: id, err: error }, 'end of a stressor could not be journaled');
  });
}

function siteFor(context: ShapeContext, stressors: OwnStressors, target: ProcessTarget): Site<'process'> {
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
      const changed = new Map<string, Change>();
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
      const changed = new Map<string, Change>();
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

function noteOf({ clock }: ShapeContext, why: string): string {
  return `the stressor was started again at ${new Date(clock.now()).toISOString()} ${why}`;
}

function freshEvidence(context: ShapeContext, stressors: OwnStressors, record: ProcessRecord): Change {
  const evidence = evidenceOf(context, stressors, record);
  return evidence === undefined ? {} : { evidence };
}

function evidenceOf(
  { clock }: ShapeContext,
  stressors: OwnStressors,
  record: ProcessRecord,
): EvidenceRecord | undefined {
  const measure = stressors.measure(record);
  if (measure === undefined) return record.evidence;
  const { work, action } = record;
  const measured = processFaultOf(action).evidence(work, measure);
  const counters = Object.entries(measured.counters).map(([name, value]) => [name, Math.max(0, Math.round(value))]);
  return {
    ...measured,
    counters: Object.fromEntries(counters) as Record<string, number>,
    engine: work.engine,
    gatheredAt: clock.now(),
  };
}
