/** What is known of one stressor of this daemon, and what that comes to as a measure. */
import { defined, type Timer } from '@chaosplane/common';
import type { StressMeasure } from '../../../faults/fault.ts';
import type { Cgroup, CgroupUsage, ContainerFolder, ProcessRef, StressorUsage } from '../../../contract/host.ts';
import type { RecordOf } from '../../../journal/record.ts';
import { endingWords } from './ending-words.ts';

type ProcessRecord = RecordOf<'process'>;
type Work = ProcessRecord['work'];

/** One that this daemon has started, until its execution ends. */
export interface OwnStressor {
  readonly target: ProcessRecord['target'];
  readonly cgroup: Cgroup;
  /** Whether the kernel kills all of the cgroup together when memory runs out. */
  readonly oomKillsAll: boolean;
  readonly before: NonNullable<Work['before']>;
  /** What others did for the same execution before this one took their place. */
  readonly earlier: Pick<StressorUsage, 'cpuMs' | 'writtenBytes'>;
  /** How many of its processes are to do the work. */
  readonly workers: number;
  readonly startedAt: number;
  process?: ProcessRef;
  folder?: ContainerFolder;
  looking?: Timer;
  /** What was measured last while it lived, and when. */
  last: StressorUsage;
  lastAt: number;
  /** The most memory that it had. */
  peakBytes: number;
  /** What was measured last while all its workers lived. */
  whole?: { readonly usage: StressorUsage; readonly at: number };
  accounts: CgroupUsage;
  /** Whether this daemon ends it. */
  ending: boolean;
  /** How it ended without that: what its first process said, or that its container ended before. */
  end?: { readonly how: string } | 'container';
}

/** For how long before the end of a stressor its processes may be seen to go one by one. */
const DYING_MS = 1500;

/** Takes a measurement in. One that is dying has lost what it had; what it was is remembered. */
export function take(each: OwnStressor, usage: StressorUsage, at: number): void {
  if (usage.processes === 0) return;
  [each.last, each.lastAt] = [usage, at];
  each.peakBytes = Math.max(each.peakBytes, usage.residentBytes);
  if (usage.workers >= each.workers) each.whole = { usage, at };
}

/** What it was when it was measured last; of one that has ended, before it began to. */
function shownOf({ last, lastAt, whole, end, ending, peakBytes, before, accounts }: OwnStressor): StressorUsage {
  if (end === undefined && !ending) return last;
  // Without the worker that the kernel has killed, stress-ng may take long to end.
  const dying = lastAt - (whole?.at ?? -Infinity) < DYING_MS || killsSince(before, accounts) > 0;
  return { ...(dying && whole !== undefined ? whole.usage : last), residentBytes: peakBytes };
}

/** What was measured of it so far, or last. `there`: whether its container still runs. */
export function measureOf(each: OwnStressor, there: boolean): StressMeasure {
  const { before, accounts, end, target, oomKillsAll } = each;
  const since = (key: 'cpuMs' | 'memoryBytes'): number | undefined => {
    const [then, now] = [before[key], accounts[key]];
    return then === undefined || now === undefined ? undefined : now - then;
  };
  const [cgroupCpuMs, cgroupMemoryBytes] = [since('cpuMs'), since('memoryBytes')];
  const { cpuMs, writtenBytes } = didOf(each);
  const oomKills = killsSince(before, accounts);
  const container = target.kind === 'node' ? undefined : target.containers[0]?.name;
  return {
    ...shownOf(each),
    writtenBytes,
    cpuMs: Math.min(cpuMs, cgroupCpuMs ?? Infinity),
    ...defined({ cgroupCpuMs, cgroupMemoryBytes }),
    ...(accounts.oomKills === undefined ? {} : { oomKills }),
    ...(end === undefined ? {} : { ended: endingWords({ end, oomKills, oomKillsAll, there, container }) }),
    endedEarly: end !== undefined && there,
  };
}

/** What it did, with those before it. */
export function didOf(each: OwnStressor): OwnStressor['earlier'] {
  const { cpuMs, writtenBytes } = shownOf(each);
  return { cpuMs: each.earlier.cpuMs + cpuMs, writtenBytes: each.earlier.writtenBytes + writtenBytes };
}

/** What the last evidence of a record says that the stressor of a daemon before this one did. */
export function countedIn({ evidence }: ProcessRecord): OwnStressor['earlier'] {
  const { cpu_ms: cpuMs = 0, written_bytes: writtenBytes = 0 } = evidence?.counters ?? {};
  return { cpuMs, writtenBytes };
}

/** How many processes of its cgroup the kernel has killed since because memory ran out. */
export function killsSince(before: OwnStressor['before'], { oomKills = 0 }: CgroupUsage): number {
  return before.oomKills === undefined ? 0 : Math.max(0, oomKills - before.oomKills);
}
