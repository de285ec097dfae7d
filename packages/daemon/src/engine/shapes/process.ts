/** The shape of faults that are processes: a stressor in the cgroup of a container, or in one of its own on the node. */
import { ChaosError, type Timer } from '@chaosplane/common';
import type { Fault, ProcessFault } from '../../faults/fault.ts';
import { faultOf } from '../../faults/registry.ts';
import type { Cgroup, ContainerFolder, ProcessRef } from '../../host/host.ts';
import type { EvidenceRecord, RecordOf } from '../../journal/record.ts';
import { findAim, siteOfTarget } from '../aim.ts';
import { requireCapabilities } from '../capabilities.ts';
import type { ShapeContext } from '../context.ts';
import type { ParsedRequest } from '../parse.ts';
import { subjectOf, targetName } from '../target.ts';
import { Turns } from '../turns.ts';
import { HalfAppliedError, type Change, type Planned, type Shape, type Site } from './shape.ts';

type ProcessRecord = RecordOf<'process'>;
type Work = ProcessRecord['work'];
type Target = ProcessRecord['target'];

/** A stressor that this daemon has started. */
interface Running {
  readonly process: ProcessRef;
  readonly folder?: ContainerFolder;
  looking?: Timer;
}

/**
 * How often a container is looked at in whose cgroup a stressor runs. Its runtime gives up removing the cgroup after about
 * 150 ms (runc), so a stressor must not outlive the container for longer.
 */
const LOOK_EVERY_MS = 50;

/** How much longer than its deadline a stressor would live if the daemon hung: the daemon itself is to end it. */
const MARGIN_MS = 2000;

export function processShape(context: ShapeContext): Shape<'process'> {
  const { host } = context;
  const turns = new Turns();
  const running = new Map<string, Running>();
  const stressors = createStressors(context, running);
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
    async close() {
      // They end with the daemon; the next one starts them again from the journal, and finds their folders there.
      await Promise.all([...running.keys()].map((id) => stressors.end(id, undefined)));
    },
  };
}

type OwnStressors = ReturnType<typeof createStressors>;

/** Starting and ending the stressors of executions, and what is beside them: folders, cgroups of their own. */
function createStressors(context: ShapeContext, running: Map<string, Running>) {
  const { host, clock, lease } = context;

  /** A container that ends takes its stressor with it. */
  const look = (id: string, container: ProcessRef): void => {
    const own = running.get(id);
    if (own === undefined) return;
    if (host.processes.isAlive(container)) {
      own.looking = clock.after(LOOK_EVERY_MS, () => look(id, container));
      return;
    }
    void host.stressors.end(own.process).catch((error: unknown) => {
      context.logger.error({ executionId: id, err: error }, 'stressor of a container that ended could not be ended');
    });
  };

  const cgroupOf = (id: string, target: Target): Cgroup => {
    if (target.kind === 'node') return host.cgroups.create(id);
    return host.cgroups.of(containerOf(target));
  };

  const end = async (id: string, record: ProcessRecord['work'] | undefined): Promise<void> => {
    const own = running.get(id);
    own?.looking?.cancel();
    const process = own?.process ?? record?.process;
    if (process !== undefined) await host.stressors.end(process);
  };

  return {
    cgroupOf,
    /** What a record knows, or this daemon does, of the process. */
    processOf: (record: ProcessRecord): ProcessRef | undefined =>
      running.get(record.id)?.process ?? record.work.process,
    async start(record: ProcessRecord): Promise<Work> {
      const { id, target, work } = record;
      const cgroup = cgroupOf(id, target);
      const before = work.before ?? countsOf(host.cgroups.usage(cgroup));
      const folder =
        work.path === undefined || target.kind === 'node'
          ? undefined
          : host.makeFolder(containerOf(target), work.path, folderName(id));
      const lifeMs = Math.max(1, record.expiresAt - clock.now()) + MARGIN_MS;
      try {
        const process = await host.stressors.start({
          args: work.args,
          cgroup,
          oomScoreAdj: work.oomScoreAdj,
          lifeMs,
          ...(folder === undefined ? {} : { folder }),
        });
        running.set(id, { process, ...(folder === undefined ? {} : { folder }) });
        if (target.kind === 'containers') look(id, containerOf(target));
        return { ...work, before, process, until: clock.now() + lifeMs };
      } catch (error) {
        folder?.remove();
        folder?.close();
        throw error;
      }
    },
    /** Ends the process; what it made stays, for one that is started in its place. */
    async end(id: string, record: ProcessRecord | undefined): Promise<void> {
      await end(id, record?.work);
      running.get(id)?.folder?.close();
      running.delete(id);
    },
    /** Ends the process and removes what it made. */
    async remove(record: ProcessRecord): Promise<void> {
      const { id, target, work } = record;
      await end(id, work);
      const folder = running.get(id)?.folder ?? reopened(context, record);
      try {
        folder?.remove();
      } finally {
        folder?.close();
        running.delete(id);
      }
      if (target.kind === 'node') host.cgroups.remove(id);
    },
    deadlineIsBeyond: (record: ProcessRecord): boolean => lease.deadlineOf(record) > (record.work.until ?? 0),
  };
}

/** The folder that a daemon before this one made; absent when it made none, or the container is gone. */
function reopened({ host }: ShapeContext, { id, target, work }: ProcessRecord): ContainerFolder | undefined {
  if (work.path === undefined || target.kind === 'node') return undefined;
  try {
    return host.makeFolder(containerOf(target), work.path, folderName(id));
  } catch (error) {
    if (error instanceof ChaosError && (error.code === 'NOT_FOUND' || error.code === 'FAILED_PRECONDITION'))
      return undefined;
    throw error;
  }
}

const folderName = (id: string): string => `.chaosplane-${id}`;

function containerOf(target: Extract<Target, { kind: 'containers' }>): ProcessRef {
  const [container] = target.containers;
  if (container === undefined) throw new Error('a target of no container');
  return container.process;
}

function isThere({ host }: ShapeContext, target: Target): boolean {
  return target.kind === 'node' || host.processes.isAlive(containerOf(target));
}

function siteFor(context: ShapeContext, stressors: OwnStressors, target: Target): Site<'process'> {
  const { host } = context;
  const measure = async (record: ProcessRecord): Promise<EvidenceRecord> => evidenceOf(context, stressors, record);
  return {
    plan: (request) => planFor(context, target, request),
    preview: ({ work }) => [
      {
        tool: 'exec',
        argv: ['stress-ng', ...work.args],
        input: `in the cgroup of ${target.kind === 'node' ? 'its own' : targetName(target)}\n`,
      },
    ],
    async apply(record) {
      try {
        const work = await stressors.start(record);
        return { work, evidence: evidenceOf(context, stressors, { ...record, work }) };
      } catch (error) {
        await stressors.remove(record).catch((second: unknown) => {
          const words = second instanceof Error ? second.message : String(second);
          throw new HalfAppliedError('INTERNAL', `${String(error)}; and undoing it failed: ${words}`, { cause: error });
        });
        throw error;
      }
    },
    remove: (record) => stressors.remove(record),
    async renew(records) {
      const changed = new Map<string, Change>();
      for (const record of records) {
        const process = stressors.processOf(record);
        const lives = process !== undefined && host.processes.isAlive(process);
        if (lives && !stressors.deadlineIsBeyond(record)) continue;
        // Its own timeout cannot be moved: another one takes its place.
        await stressors.end(record.id, record);
        const work = await stressors.start(record);
        changed.set(record.id, {
          work,
          notes: [noteOf(context, lives ? 'for a later deadline' : 'after it had ended early')],
        });
      }
      return changed;
    },
    async restore(kept, dropped) {
      for (const record of dropped) await stressors.remove(record);
      const changed = new Map<string, Change>();
      for (const record of kept) {
        const evidence = record.evidence === undefined ? {} : { evidence: record.evidence };
        // What an earlier daemon started has died with it, unless this very process took over.
        await stressors.end(record.id, record);
        if (!isThere(context, target)) {
          await stressors.remove(record);
          changed.set(record.id, { ...evidence, endReason: 'target-gone' });
          continue;
        }
        const work = await stressors.start(record);
        const fresh = evidenceOf(context, stressors, { ...record, work });
        changed.set(record.id, { work, evidence: fresh, notes: [noteOf(context, 'by the daemon that took over')] });
      }
      return changed;
    },
    measure,
  };
}

function noteOf({ clock }: ShapeContext, why: string): string {
  return `the stressor was started again at ${new Date(clock.now()).toISOString()} ${why}`;
}

async function planFor(context: ShapeContext, target: Target, request: ParsedRequest): Promise<Planned<'process'>> {
  const { host } = context;
  requireCapabilities(await host.capabilities(), ['root', 'stress-ng'], request.action.name);
  const { memoryLimitBytes } =
    target.kind === 'node'
      ? { memoryLimitBytes: host.memoryBytes }
      : host.cgroups.usage(host.cgroups.of(containerOf(target)));
  const facts = memoryLimitBytes === undefined ? {} : { memoryLimitBytes };
  const stress = processFaultOf(request.action.name).stress(request.spec as never, facts);
  const { path, residentBytes } = stress;
  return {
    target,
    work: {
      shape: 'process',
      engine: 'stress-ng',
      args: [...stress.args],
      oomScoreAdj: stress.oomScoreAdj ?? (target.kind === 'node' ? 0 : host.oomScoreAdjOf(containerOf(target))),
      ...(path === undefined ? {} : { path }),
      ...(residentBytes === undefined ? {} : { residentBytes }),
    },
    notes: [],
  };
}

/** Of what is accounted for, what can be compared later. */
function countsOf({ cpuMs, memoryBytes }: { cpuMs?: number; memoryBytes?: number }): NonNullable<Work['before']> {
  return { ...(cpuMs === undefined ? {} : { cpuMs }), ...(memoryBytes === undefined ? {} : { memoryBytes }) };
}

function evidenceOf(context: ShapeContext, stressors: OwnStressors, record: ProcessRecord): EvidenceRecord {
  const { host, clock } = context;
  const { work, target } = record;
  const process = stressors.processOf(record);
  const own =
    process === undefined
      ? { processes: 0, cpuMs: 0, residentBytes: 0, writtenBytes: 0 }
      : host.stressors.usage(process);
  const now = isThere(context, target) ? countsOf(host.cgroups.usage(stressors.cgroupOf(record.id, target))) : {};
  const { before = {} } = work;
  const since = (key: 'cpuMs' | 'memoryBytes'): number | undefined => {
    const [then, current] = [before[key], now[key]];
    return then === undefined || current === undefined ? undefined : current - then;
  };
  const [cgroupCpuMs, cgroupMemoryBytes] = [since('cpuMs'), since('memoryBytes')];
  const measured = processFaultOf(record.action).evidence(work, {
    ...own,
    ...(cgroupCpuMs === undefined ? {} : { cgroupCpuMs }),
    ...(cgroupMemoryBytes === undefined ? {} : { cgroupMemoryBytes }),
  });
  const counters = Object.entries(measured.counters).map(([name, value]) => [name, Math.max(0, Math.round(value))]);
  return {
    ...measured,
    counters: Object.fromEntries(counters) as Record<string, number>,
    engine: work.engine,
    gatheredAt: clock.now(),
  };
}

function processFaultOf(action: string): ProcessFault<never> {
  const fault: Fault<never> = faultOf(action);
  if (fault.shape === 'process') return fault;
  throw new Error(`${action} is not done by a process`);
}
