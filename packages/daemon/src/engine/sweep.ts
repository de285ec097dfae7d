/** What a daemon does before it serves: takes over what an earlier one left, and removes what must not be there. */
import { asChaosError } from '@chaosplane/common';
import { driverNameOf, type DriverName, type ExecutionRecord } from '../journal/record.ts';
import { logFields, type EngineContext } from './context.ts';
import { byTarget, driverNamed, driverOf, withNotes, type RecordChange } from './drivers/driver.ts';
import { interruptionOf } from './interruption.ts';
import type { Undoer } from './undo.ts';
import { whyGone, withEnd } from './why-gone.ts';

/** What the sweep did. */
export interface SweepReport {
  /** Active executions that are in force again. */
  readonly kept: readonly string[];
  /** Executions that it ended. */
  readonly ended: readonly string[];
  /** Where marks of ChaosPlane were without a record: paths of namespaces, for example. */
  readonly orphans: readonly string[];
  /** Whether everything was looked at; false when the container runtime did not answer. */
  readonly complete: boolean;
}

/**
 * Sweeps the journal's live records, then looks for what no record speaks of. `aliveAt`: when the last daemon was known to be alive.
 */
export async function sweep(context: EngineContext, undoer: Undoer, aliveAt: number | undefined): Promise<SweepReport> {
  const { executions, drivers, host, logger } = context;
  const live = executions.live();
  // After another boot nothing of before is left, even if something has its names and numbers now.
  const ofThisBoot = live.filter((record) => record.bootId === host.bootId);
  for (const record of live) if (!ofThisBoot.includes(record)) await undoer.endUnseen(record);
  const it = { ...context, undoer, aliveAt };
  for (const records of byTarget(drivers, ofThisBoot)) {
    // One that fails must not keep the daemon from the others, nor from serving.
    await sweepTarget(it, records).catch((error: unknown) => {
      logger.error({ err: error, ...fieldsOf(records) }, 'target could not be swept');
      for (const record of records) undoer.retry(record.id, 'swept');
    });
  }
  const after = live.map((record) => executions.get(record.id) ?? record);
  return {
    kept: after.filter((record) => record.state === 'active').map((record) => record.id),
    ended: after.filter((record) => record.state === 'ended').map((record) => record.id),
    ...(await sweepOrphans(context)),
  };
}

const fieldsOf = ([first]: readonly ExecutionRecord[]): object => (first === undefined ? {} : logFields(first));

/** One sweep. */
interface Sweep extends EngineContext {
  readonly undoer: Undoer;
  readonly aliveAt: number | undefined;
}

async function sweepTarget(it: Sweep, records: readonly ExecutionRecord[]): Promise<void> {
  const [first] = records;
  if (first === undefined || (await visit(it, records, first))) return;
  const hidden = await driverOf(it.drivers, first).isHidden(first);
  for (const record of records) {
    if (hidden) it.undoer.retry(record.id, 'swept');
    else await it.undoer.endUnseen(record);
  }
}

/** Whether the target still exists. */
async function visit(it: Sweep, records: readonly ExecutionRecord[], first: ExecutionRecord): Promise<boolean> {
  const { drivers, clock, lease, executions, logger, undoer, aliveAt } = it;
  const keep = records.filter((record) => record.state === 'active' && lease.deadlineOf(record) > clock.now());
  const drop = records.filter((record) => !keep.includes(record));
  const result = await driverOf(drivers, first).revisit(first, async (session) => {
    let changes: ReadonlyMap<string, RecordChange>;
    try {
      changes = await session.restore(keep, drop);
    } catch (error) {
      return asChaosError(error);
    }
    const noted = (record: ExecutionRecord, notes: readonly string[]): RecordChange => {
      const change = changes.get(record.id) ?? {};
      if (record.state !== 'active') return withNotes(record, change, notes);
      const { note, ...interruption } = interruptionOf(record, {
        ...{ aliveAt, now: clock.now() },
        deadline: lease.deadlineOf(record),
      });
      return withNotes(record, { ...change, ...interruption }, [note, ...notes]);
    };
    for (const record of keep) {
      if (changes.get(record.id)?.endReason !== undefined) {
        const words = await whyGone(it, record);
        const evidence =
          words === undefined || record.evidence === undefined ? {} : { evidence: withEnd(record.evidence, words) };
        await end(it, record, { ...noted(record, words === undefined ? [] : [words]), ...evidence });
        continue;
      }
      await executions.update(record.id, noted(record, []));
      logger.info(logFields(record), 'execution taken over');
    }
    for (const record of drop) await end(it, record, noted(record, []));
    return true as const;
  });
  if (result === undefined || result === true) return result ?? false;
  // The kernel would not have it: everything there is undone, again and again if need be.
  logger.error({ err: result, ...logFields(first) }, 'target could not be restored');
  for (const record of records) await undoer.undo(record.id, 'swept').catch(() => undefined);
  return true;
}

async function end(context: EngineContext, record: ExecutionRecord, change: RecordChange): Promise<void> {
  const { executions, clock, lease, logger } = context;
  const endReason = change.endReason ?? record.endReason ?? reasonOf(context, record);
  // The kernel has ended at its deadline what outlived the last daemon.
  const endedAt = Math.min(clock.now(), record.state === 'active' ? lease.deadlineOf(record) : Infinity);
  await executions.update(record.id, { ...change, state: 'ended', endReason, endedAt });
  logger.info({ ...logFields(record), endReason }, 'execution swept');
}

function reasonOf(context: EngineContext, record: ExecutionRecord): 'expired' | 'lease-lapsed' | 'swept' {
  const now = context.clock.now();
  if (record.state !== 'active') return 'swept';
  return record.expiresAt <= now ? 'expired' : 'lease-lapsed';
}

async function sweepOrphans({
  drivers,
  executions,
  logger,
}: EngineContext): Promise<Pick<SweepReport, 'orphans' | 'complete'>> {
  const live = executions.live();
  const found = await Promise.all(
    (Object.keys(drivers) as DriverName[]).map((name) =>
      driverNamed(drivers, name).sweepOrphans(live.filter((record) => driverNameOf(record) === name)),
    ),
  );
  const orphans = found.flatMap((each) => each.found);
  if (orphans.length > 0) logger.warn({ orphans }, 'marks without a record removed');
  return { orphans, complete: found.every(({ complete }) => complete) };
}
