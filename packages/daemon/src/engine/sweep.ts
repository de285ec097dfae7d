/** What a daemon does before it serves: takes over what an earlier one left, and removes what must not be there. */
import { asChaosError } from '@chaosplane/common';
import type { ExecutionRecord } from '../journal/record.ts';
import { isNothing, readPresent } from '../netns/inventory.ts';
import { Namespace } from '../netns/namespace.ts';
import { installedLayer, logFields, type EngineContext } from './context.ts';
import { measure } from './evidence.ts';
import type { Undoer } from './undo.ts';

/** What the sweep did. */
export interface SweepReport {
  /** Active executions that are in force again. */
  readonly kept: readonly string[];
  /** Executions that it ended. */
  readonly ended: readonly string[];
  /** Paths of namespaces that held marks of ours without a record. */
  readonly orphans: readonly string[];
  /** Whether every pod of the node was looked at; false when the container runtime did not answer. */
  readonly complete: boolean;
}

/** Sweeps the journal's live records, then the node's pods. */
export async function sweep(context: EngineContext, undoer: Undoer): Promise<SweepReport> {
  const live = context.executions.live();
  const byNamespace = Map.groupBy(live, (record) => record.target.netnsCookie);
  for (const records of byNamespace.values()) {
    // One that fails must not keep the daemon from the others, nor from serving.
    await sweepNamespace(context, undoer, records).catch((error: unknown) => {
      context.logger.error({ err: error, netns: records[0]?.target.netnsPath }, 'namespace could not be swept');
      for (const record of records) undoer.retry(record.id, 'swept');
    });
  }
  const after = live.map((record) => context.executions.get(record.id) ?? record);
  return {
    kept: after.filter((record) => record.state === 'active').map((record) => record.id),
    ended: after.filter((record) => record.state === 'ended').map((record) => record.id),
    ...(await sweepOrphans(context)),
  };
}

async function sweepNamespace(
  context: EngineContext,
  undoer: Undoer,
  records: readonly ExecutionRecord[],
): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  // Cookies count from the start at each boot: one of before says nothing about the namespaces of now.
  const booted = first.bootId !== context.host.bootId;
  const found = booted ? undefined : await visit(context, undoer, records, first);
  if (found !== undefined) return;
  const hidden = !booted && (await isStillKnown(context, first));
  for (const record of records) {
    if (hidden) undoer.retry(record.id, 'swept');
    else await undoer.endUnseen(record);
  }
}

/** A pod that runs while its namespace cannot be opened: the daemon does not see it, which is not that it is gone. */
async function isStillKnown({ host, logger }: EngineContext, { target }: ExecutionRecord): Promise<boolean> {
  const sandbox = await host.runtime.sandbox(target.sandboxId).catch(() => undefined);
  const hidden = sandbox?.ready === true && sandbox.netnsPath === target.netnsPath;
  if (hidden)
    logger.error({ netns: target.netnsPath }, 'namespace of a running pod cannot be opened: is /run/netns mounted?');
  return hidden;
}

/** True when the namespace still exists. */
async function visit(
  context: EngineContext,
  undoer: Undoer,
  records: readonly ExecutionRecord[],
  first: ExecutionRecord,
): Promise<true | undefined> {
  const { namespaces, clock, lease, executions, logger } = context;
  const keep = records.filter((record) => record.state === 'active' && lease.deadlineOf(record) > clock.now());
  const drop = records.filter((record) => !keep.includes(record));
  const result = await namespaces.revisit(first.target, async (namespace) => {
    try {
      await namespace.restore(
        keep.map((record) => installedLayer(context, record)),
        drop.map((record) => installedLayer(context, record)),
      );
    } catch (error) {
      return asChaosError(error);
    }
    for (const record of keep) {
      const notes = [...record.notes, `no daemon ran for a while until ${new Date(clock.now()).toISOString()}`];
      const evidence = await measure(context, record, namespace);
      await executions.update(record.id, { notes, ...(evidence === undefined ? {} : { evidence }) });
      logger.info(logFields(record), 'execution taken over');
    }
    for (const record of drop) {
      const endReason = record.endReason ?? reasonOf(context, record);
      await executions.update(record.id, { state: 'ended', endReason, endedAt: clock.now() });
      logger.info({ ...logFields(record), endReason }, 'execution swept');
    }
    return true as const;
  });
  if (result === undefined || result === true) return result;
  // The kernel would not have it: everything in that namespace is undone, again and again if need be.
  logger.error({ err: result, netns: first.target.netnsPath }, 'namespace could not be restored');
  for (const record of records) await undoer.undo(record.id, 'swept').catch(() => undefined);
  return true;
}

function reasonOf(context: EngineContext, record: ExecutionRecord): 'expired' | 'lease-lapsed' | 'swept' {
  const now = context.clock.now();
  if (record.state !== 'active') return 'swept';
  return record.expiresAt <= now ? 'expired' : 'lease-lapsed';
}

/** Removes our marks from pods that no record speaks of: what is left when a journal was lost. */
async function sweepOrphans(context: EngineContext): Promise<Pick<SweepReport, 'orphans' | 'complete'>> {
  const { host, executions, logger } = context;
  const orphans: string[] = [];
  const known = new Set(executions.live().map((record) => record.target.sandboxId));
  let complete = true;
  try {
    for (const { id, ready } of await host.runtime.sandboxes()) {
      if (!ready || known.has(id)) continue;
      const path = await cleanOrphan(context, id).catch((error: unknown) => {
        logger.warn({ err: error, sandboxId: id }, 'pod could not be searched for orphans');
        complete = false;
        return undefined;
      });
      if (path !== undefined) orphans.push(path);
    }
  } catch (error) {
    logger.warn({ err: error }, 'pods could not be listed to search them for orphans');
    complete = false;
  }
  if (orphans.length > 0) logger.warn({ orphans }, 'marks without a record removed');
  return { orphans, complete };
}

/** The path of the pod's namespace when something of ours was found there, and removed. */
async function cleanOrphan({ host, clock }: EngineContext, sandboxId: string): Promise<string | undefined> {
  const sandbox = await host.runtime.sandbox(sandboxId);
  if (sandbox?.netnsPath === undefined || sandbox.hostNetwork) return undefined;
  const netns = host.openNetns(sandbox.netnsPath);
  try {
    if (isNothing(await readPresent(netns))) return undefined;
    await new Namespace(netns, clock, { fresh: false }).restore([], []);
    return sandbox.netnsPath;
  } finally {
    await netns.close();
  }
}
