/** What the stress faults share: arguments of stress-ng, and how measures become evidence. Pure. */
import type { CpuStress, MemoryStress, PodTarget } from '@chaosplane/actions';
import { ChaosError, countOf, defined, formatBytes, formatDuration } from '@chaosplane/common';
import type { WantedTarget, Measured, Stress, StressFacts, Stressing, StressMeasure } from '../fault.ts';

/** One container of a pod. */
export function oneContainer(target: PodTarget): Extract<WantedTarget, { on: 'pod' }> {
  return { on: 'pod', ...target, unnamed: 'only' };
}

export function cpuStress({ workers, load }: CpuStress): Stress {
  return { args: ['--cpu', String(workers), '--cpu-load', String(load)], workers, processes: workers + 1 };
}

/**
 * @throws ChaosError FAILED_PRECONDITION for a percentage where there is no limit, and for more than limit or node have unless
 * that is forced.
 */
export function memoryStress({ workers, size, oomScoreAdj, force }: MemoryStress, facts: StressFacts): Stress {
  const residentBytes = 'bytes' in size ? size.bytes : Math.floor((limitOf(facts) * size.percent) / 100);
  if (!force) requireRoom(residentBytes, facts);
  return {
    // Filled once, then kept: --vm-hang 0 sleeps for ever on memory that --vm-keep holds. The size is of all workers together.
    args: [
      ...['--vm', String(workers), '--vm-bytes', String(residentBytes)],
      ...['--vm-keep', '--vm-hang', '0', '--vm-method', 'write64'],
    ],
    workers,
    // Each worker keeps its memory in a child.
    processes: 2 * workers + 1,
    residentBytes,
    notes: memoryNotes(residentBytes, facts),
    ...defined({ oomScoreAdj }),
  };
}

function limitOf({ memoryLimitBytes }: StressFacts): number {
  if (memoryLimitBytes !== undefined) return memoryLimitBytes;
  const message = 'the container has no memory limit, so there is nothing to take a percentage of';
  throw new ChaosError('FAILED_PRECONDITION', `${message}: give the size in bytes, such as 256Mi`);
}

/** More than there is can never be kept; what is only in use at the moment may be free at the next. */
function requireRoom(residentBytes: number, { place, memoryLimitBytes, nodeMemoryBytes }: StressFacts): void {
  const limited = place === 'container' && memoryLimitBytes !== undefined && memoryLimitBytes < nodeMemoryBytes;
  const most = limited ? memoryLimitBytes : nodeMemoryBytes;
  if (residentBytes <= most) return;
  const what = limited ? `the limit of the container is ${formatBytes(most)}` : `the node has ${formatBytes(most)}`;
  const wayOut = 'give a smaller size, or force: true when the kernel is to kill what needs memory';
  throw new ChaosError('FAILED_PRECONDITION', `size ${formatBytes(residentBytes)} cannot be kept, ${what}: ${wayOut}`);
}

function memoryNotes(residentBytes: number, facts: StressFacts): string[] {
  const { memoryFreeBytes, nodeFreeBytes, oomKillsAll, place } = facts;
  const underLimit = memoryFreeBytes !== undefined && memoryFreeBytes < nodeFreeBytes;
  const free = underLimit ? memoryFreeBytes : nodeFreeBytes;
  const short = residentBytes > free;
  const room = `${formatBytes(residentBytes)} are asked for and ${formatBytes(free)} are free ${underLimit ? 'below the limit' : 'on the node'}`;
  const who =
    place === 'container' && oomKillsAll
      ? 'the kernel kills the application together with the stressor (memory.oom.group is 1)'
      : 'the kernel kills what it chooses, the stressor or another process';
  return [
    ...(short ? [`${room}: memory is about to run out`] : []),
    ...(short || (place === 'container' && oomKillsAll) ? [`when memory runs out, ${who}`] : []),
  ];
}

/** Verified when the stressor burnt any CPU time. */
export function cpuEvidence(stress: Stressing, measure: StressMeasure): Measured {
  const { cpuMs, cgroupCpuMs } = measure;
  const whole = cgroupCpuMs === undefined ? '' : `, ${formatDuration(Math.round(cgroupCpuMs))} in the whole cgroup`;
  return {
    verdict: verdictOf(stress, measure, cpuMs > 0),
    summary: `${formatDuration(Math.round(cpuMs))} of CPU time burnt by ${processesOf(stress, measure)}${whole}`,
    counters: { ...processCounters(measure), cpu_ms: cpuMs, ...cgroupCounters(measure) },
  };
}

/** Verified when at least 90 % of what was asked for is resident. */
export function memoryEvidence(stress: Stressing, measure: StressMeasure): Measured {
  const { residentBytes: wanted = 0 } = stress;
  const { residentBytes } = measure;
  return {
    verdict: verdictOf(stress, measure, residentBytes >= 0.9 * wanted),
    summary: `${formatBytes(residentBytes)} of ${formatBytes(wanted)} kept in memory by ${processesOf(stress, measure)}`,
    counters: { ...processCounters(measure), resident_bytes: residentBytes, ...cgroupCounters(measure) },
  };
}

/** The little that stress-ng says of itself is no stress. */
const SAID_BYTES = 64 * 1024;

/** Verified when anything was written. */
export function ioEvidence(stress: Stressing, measure: StressMeasure): Measured {
  const { writtenBytes } = measure;
  return {
    verdict: verdictOf(stress, measure, writtenBytes > SAID_BYTES),
    summary: `${formatBytes(writtenBytes)} written by ${processesOf(stress, measure)}`,
    counters: { ...processCounters(measure), written_bytes: writtenBytes, ...cgroupCounters(measure) },
  };
}

/** With a worker missing, or all of them ended before their time, less was done than was asked for. */
function verdictOf({ workers = 0 }: Stressing, measure: StressMeasure, done: boolean): Measured['verdict'] {
  const complete = measure.processes > 0 && measure.workers >= workers && !measure.endedEarly;
  return complete && done ? 'verified' : 'not-observed';
}

/** stress-ng itself and its workers, and how they ended. */
function processesOf({ workers = 0 }: Stressing, { processes, workers: running, ended, oomKills = 0 }: StressMeasure) {
  if (ended !== undefined) return `${countOf(processes, 'process', 'processes')} until ${ended}`;
  const missing = running < workers ? `; only ${running} of ${workers} workers run` : '';
  const killed = `; the kernel killed ${countOf(oomKills, 'process', 'processes')} of the cgroup because memory ran out`;
  return `${countOf(processes, 'process', 'processes')}${missing}${oomKills > 0 ? killed : ''}`;
}

function processCounters({ processes, workers, ended }: StressMeasure): Record<string, number> {
  return ended === undefined ? { processes, workers } : { processes: 0, workers: 0 };
}

function cgroupCounters({ cgroupCpuMs, cgroupMemoryBytes, oomKills }: StressMeasure): Record<string, number> {
  return {
    ...defined({ cgroup_cpu_ms: cgroupCpuMs, cgroup_memory_bytes: cgroupMemoryBytes, oom_kills: oomKills }),
  };
}
