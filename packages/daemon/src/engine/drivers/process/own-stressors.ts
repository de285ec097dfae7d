/** The stressors of this daemon: begins and ends them, measures them while they live, and remembers how they ended. */
import { asChaosError, ChaosError, countOf, defined, type Timer } from '@chaosplane/common';
import type { StressMeasure } from '../../../faults/fault.ts';
import type { ContainerFolder, ProcessRef, StressorUsage } from '../../../contract/host.ts';
import type { RecordOf } from '../../../journal/record.ts';
import type { DriverContext } from '../../context.ts';
import { wasKilled } from './ending-words.ts';
import { countedIn, didOf, killsSince, measureOf, take, type OwnStressor } from './stress-measure.ts';
import { containerOf, isThere } from './plan.ts';

type ProcessRecord = RecordOf<'process'>;
type Work = ProcessRecord['work'];

/**
 * How often a container is looked at in whose cgroup a stressor runs. Its runtime gives up removing the cgroup after about
 * 150 ms (runc), so a stressor must not outlive the container for longer.
 */
const LOOK_EVERY_MS = 50;

/** How often stressors are measured: what they did is not to be had any more when they are dead. Often while they are young. */
const SAMPLE_EVERY_MS = 250;
const YOUNG_MS = 2000;
/** Measuring takes one part in so many of the time at most. */
const SAMPLE_SHARE = 20;

/** How much longer than its deadline a stressor would live if the daemon hung: the daemon itself is to end it. */
const MARGIN_MS = 2000;

const NOTHING: StressorUsage = { processes: 0, workers: 0, cpuMs: 0, residentBytes: 0, writtenBytes: 0 };

/** The stressors that this process has started. */
export class OwnStressors {
  readonly #context: DriverContext;
  /** Called when one has ended that was to run on. */
  readonly #onEnd: (id: string) => void;
  readonly #own = new Map<string, OwnStressor>();
  #sampling: Timer | undefined;

  constructor(context: DriverContext, onEnd: (id: string) => void) {
    this.#context = context;
    this.#onEnd = onEnd;
  }

  ids(): string[] {
    return [...this.#own.keys()];
  }

  /** Whether it runs. */
  lives({ id, work }: ProcessRecord): boolean {
    const process = this.#own.get(id)?.process ?? work.process;
    return process !== undefined && this.#context.host.processes.isAlive(process);
  }

  /** Starts one; what others did before it for the same execution counts as well. */
  async start(record: ProcessRecord): Promise<Work> {
    const { host, clock } = this.#context;
    const { id, target, work } = record;
    const cgroup = target.kind === 'node' ? host.cgroups.create(id) : host.cgroups.of(containerOf(target));
    const { memoryBytes, cpuMs, oomKills } = host.cgroups.usage(cgroup);
    const before = work.before ?? defined({ cpuMs, memoryBytes, oomKills });
    const predecessor = this.#own.get(id);
    const earlier = predecessor === undefined ? countedIn(record) : didOf(predecessor);
    const each: OwnStressor = {
      target,
      cgroup,
      oomKillsAll: host.cgroups.room(cgroup).oomKillsAll,
      before,
      earlier,
      workers: work.workers ?? 1,
      startedAt: clock.monotonic(),
      last: NOTHING,
      lastAt: -Infinity,
      peakBytes: 0,
      accounts: {},
      ending: false,
    };
    const until = await this.#begin(record, each).catch((error: unknown) => {
      if (predecessor !== undefined) predecessor.end ??= { how: 'it could not be started again' };
      throw error;
    });
    const { process } = each;
    if (process === undefined) throw new Error(`${id} has no process`);
    this.#own.set(id, each);
    this.#sample(each);
    this.#sampling ??= clock.after(LOOK_EVERY_MS, () => this.#sampleAll());
    if (target.kind === 'containers') this.#look(id, each, containerOf(target));
    // It may have ended before it was known here.
    if (each.end !== undefined) this.#onEnd(id);
    return { ...work, before, process, until };
  }

  /** Ends the process; what it made stays, for one that is started in its place. */
  async end({ id, work }: Pick<ProcessRecord, 'id' | 'work'>): Promise<void> {
    await this.#end(id, work.process);
    this.#own.get(id)?.folder?.close();
  }

  /** Ends all of them, when the daemon ends. */
  async close(): Promise<void> {
    this.#sampling?.cancel();
    await Promise.all([...this.#own.keys()].map((id) => this.#end(id, undefined)));
    for (const { folder } of this.#own.values()) folder?.close();
    this.#own.clear();
  }

  /** Ends the process and removes what it made. */
  async remove(record: ProcessRecord): Promise<void> {
    const { id, target, work } = record;
    await this.#end(id, work.process);
    const folder = this.#own.get(id)?.folder ?? reopened(this.#context, record);
    try {
      folder?.remove();
    } finally {
      folder?.close();
      this.#own.delete(id);
    }
    if (target.kind === 'node') this.#context.host.cgroups.remove(id);
  }

  deadlineIsBeyond(record: ProcessRecord): boolean {
    return this.#context.lease.deadlineOf(record) > (record.work.until ?? 0);
  }

  /** What was measured so far, or last; undefined of one that this daemon has not started. */
  measure({ id, target }: ProcessRecord): StressMeasure | undefined {
    const each = this.#own.get(id);
    if (each === undefined) return undefined;
    this.#sample(each);
    const there = isThere(this.#context, target);
    // It may be seen here first.
    if (!there) this.#ended(id, each, 'container');
    return measureOf(each, there);
  }

  /** Whether the kernel killed it because memory ran out: then another one would end in the same way. */
  ranOut(id: string): boolean {
    const each = this.#own.get(id);
    return each?.end !== undefined && wasKilled(each.end) && killsSince(each.before, each.accounts) > 0;
  }

  #sample(each: OwnStressor): void {
    if (each.process === undefined || each.end !== undefined) return;
    take(each, this.#context.host.stressors.usage(each.process), this.#context.clock.monotonic());
    each.accounts = { ...each.accounts, ...this.#context.host.cgroups.usage(each.cgroup) };
  }

  #sampleAll(): void {
    const { clock } = this.#context;
    const began = clock.monotonic();
    const living = [...this.#own.values()].filter(({ end, process }) => end === undefined && process !== undefined);
    for (const each of living) this.#sample(each);
    const took = clock.monotonic() - began;
    const young = living.some(({ startedAt }) => began - startedAt < YOUNG_MS);
    const wait = Math.max(young ? LOOK_EVERY_MS : SAMPLE_EVERY_MS, SAMPLE_SHARE * took);
    this.#sampling = this.#own.size === 0 ? undefined : clock.after(wait, () => this.#sampleAll());
  }

  #ended(id: string, each: OwnStressor, end: NonNullable<OwnStressor['end']>): void {
    if (each.ending || each.end !== undefined) return;
    // The counters of its cgroup are there until the runtime has removed that.
    each.accounts = { ...each.accounts, ...this.#context.host.cgroups.usage(each.cgroup) };
    each.end = end;
    if (this.#own.get(id) === each) this.#onEnd(id);
  }

  /** A container that ends takes its stressor with it. */
  #look(id: string, each: OwnStressor, container: ProcessRef): void {
    const { host, clock, logger } = this.#context;
    if (this.#own.get(id) !== each || each.process === undefined) return;
    if (host.processes.isAlive(container)) {
      each.looking = clock.after(LOOK_EVERY_MS, () => this.#look(id, each, container));
      return;
    }
    this.#sample(each);
    this.#ended(id, each, 'container');
    void host.stressors.end(each.process).catch((error: unknown) => {
      logger.error({ executionId: id, err: error }, 'stressor of a container that ended could not be ended');
    });
  }

  async #begin(record: ProcessRecord, each: OwnStressor): Promise<number> {
    const { host, clock } = this.#context;
    const { id, target, work } = record;
    const folder =
      work.path === undefined || target.kind === 'node'
        ? undefined
        : host.makeFolder(containerOf(target), work.path, folderName(id));
    const lifeMs = Math.max(1, record.expiresAt - clock.now()) + MARGIN_MS;
    try {
      each.process = await host.stressors.start({
        args: work.args,
        cgroup: each.cgroup,
        oomScoreAdj: work.oomScoreAdj,
        workers: each.workers,
        lifeMs,
        ended: (how) => this.#ended(id, each, { how }),
        ...defined({ folder }),
      });
      if (folder !== undefined) each.folder = folder;
    } catch (error) {
      folder?.remove();
      folder?.close();
      throw explained(this.#context, error, each);
    }
    return clock.now() + lifeMs;
  }

  async #end(id: string, recorded: ProcessRef | undefined): Promise<void> {
    const each = this.#own.get(id);
    each?.looking?.cancel();
    if (each !== undefined) {
      if (each.end === undefined) this.#sample(each);
      each.ending = true;
    }
    const process = each?.process ?? recorded;
    if (process !== undefined) await this.#context.host.stressors.end(process);
  }
}

/** Why one could not be started, with what the kernel says of its cgroup. */
function explained(context: DriverContext, error: unknown, each: OwnStressor): ChaosError {
  const { code, message } = asChaosError(error);
  const killed = killsSince(each.before, context.host.cgroups.usage(each.cgroup));
  const why = [
    ...(killed > 0 ? [`the kernel killed ${countOf(killed, 'process', 'processes')} because memory ran out`] : []),
    ...(isThere(context, each.target) ? [] : ['its container has ended meanwhile: try again when it runs']),
  ];
  return why.length === 0 && error instanceof ChaosError
    ? error
    : new ChaosError(code, [message, ...why].join('; '), { cause: error });
}

/** The folder that a daemon before this one made; absent when it made none, or the container is gone. */
function reopened({ host }: DriverContext, { id, target, work }: ProcessRecord): ContainerFolder | undefined {
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
