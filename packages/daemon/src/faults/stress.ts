/** What the stress faults share: arguments of stress-ng, and how measures become evidence. Pure. */
import type { CpuStress, MemoryStress, PodTarget } from '@chaosplane/actions';
import { ChaosError, formatBytes, formatDuration } from '@chaosplane/common';
import type { Aim, Measured, Stress, StressFacts, StressMeasure } from './fault.ts';

/** One container of a pod. */
export function aimAtContainer(target: PodTarget): Aim {
  return { on: 'pod', ...target, unnamed: 'only' };
}

export function cpuStress({ workers, load }: CpuStress): Stress {
  return { args: ['--cpu', String(workers), '--cpu-load', String(load)] };
}

/** @throws ChaosError FAILED_PRECONDITION for a percentage where there is no limit. */
export function memoryStress({ workers, size, oomScoreAdj }: MemoryStress, facts: StressFacts): Stress {
  const residentBytes = 'bytes' in size ? size.bytes : Math.floor((limitOf(facts) * size.percent) / 100);
  return {
    // Filled once, then kept: --vm-hang 0 sleeps for ever on memory that --vm-keep holds. The size is of all workers together.
    args: [
      ...['--vm', String(workers), '--vm-bytes', String(residentBytes)],
      ...['--vm-keep', '--vm-hang', '0', '--vm-method', 'write64'],
    ],
    residentBytes,
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
  };
}

function limitOf({ memoryLimitBytes }: StressFacts): number {
  if (memoryLimitBytes !== undefined) return memoryLimitBytes;
  const message = 'the container has no memory limit, so there is nothing to take a percentage of';
  throw new ChaosError('FAILED_PRECONDITION', `${message}: give the size in bytes, such as 256Mi`);
}

/** Verified when the stressor burnt any CPU time. */
export function cpuEvidence(measure: StressMeasure): Measured {
  const { processes, cpuMs, cgroupCpuMs } = measure;
  const whole = cgroupCpuMs === undefined ? '' : `, ${formatDuration(Math.round(cgroupCpuMs))} in the whole cgroup`;
  return {
    verdict: processes > 0 && cpuMs > 0 ? 'verified' : 'not-observed',
    summary: `${formatDuration(cpuMs)} of CPU time burnt by ${processesOf(measure)}${whole}`,
    counters: { processes, cpu_ms: cpuMs, ...cgroupCounters(measure) },
  };
}

/** Verified when at least 90 % of what was asked for is resident. */
export function memoryEvidence({ residentBytes: wanted = 0 }: Stress, measure: StressMeasure): Measured {
  const { processes, residentBytes } = measure;
  return {
    verdict: processes > 0 && residentBytes >= 0.9 * wanted ? 'verified' : 'not-observed',
    summary: `${formatBytes(residentBytes)} of ${formatBytes(wanted)} kept in memory by ${processesOf(measure)}`,
    counters: { processes, resident_bytes: residentBytes, ...cgroupCounters(measure) },
  };
}

/** The little that stress-ng says of itself is no stress. */
const SAID_BYTES = 64 * 1024;

/** Verified when anything was written. */
export function ioEvidence(measure: StressMeasure): Measured {
  const { processes, writtenBytes } = measure;
  return {
    verdict: processes > 0 && writtenBytes > SAID_BYTES ? 'verified' : 'not-observed',
    summary: `${formatBytes(writtenBytes)} written by ${processesOf(measure)}`,
    counters: { processes, written_bytes: writtenBytes, ...cgroupCounters(measure) },
  };
}

/** stress-ng itself and its workers. */
function processesOf({ processes }: StressMeasure): string {
  return processes === 0 ? 'no process: the stressor has ended early' : `${processes} processes`;
}

function cgroupCounters({ cgroupCpuMs, cgroupMemoryBytes }: StressMeasure): Record<string, number> {
  return {
    ...(cgroupCpuMs === undefined ? {} : { cgroup_cpu_ms: cgroupCpuMs }),
    ...(cgroupMemoryBytes === undefined ? {} : { cgroup_memory_bytes: cgroupMemoryBytes }),
  };
}
