/** Decides what a stressor is told in the place where it will run, and refuses what cannot be done there. */
import { ChaosError, countOf, defined } from '@chaosplane/common';
import type { Stress, StressFacts } from '../../../faults/fault.ts';
import { faultOfDriver } from '../../../faults/registry.ts';
import type { CgroupRoom, Host, ProcessRef } from '../../../contract/host.ts';
import type { RecordOf } from '../../../journal/record.ts';
import { requireCapabilities } from '../../capabilities.ts';
import type { DriverContext } from '../../context.ts';
import type { ParsedRequest } from '../../parse.ts';
import { targetName } from '../../target/name.ts';
import type { Planned } from '../driver.ts';

export type ProcessTarget = RecordOf<'process'>['target'];

/** See `Session.plan`. */
export async function planProcess(
  { host }: DriverContext,
  target: ProcessTarget,
  request: ParsedRequest,
): Promise<Planned<'process'>> {
  requireCapabilities(await host.capabilities(), ['root', 'stress-ng'], request.action.name);
  const room = target.kind === 'node' ? undefined : host.cgroups.room(host.cgroups.of(containerOf(target)));
  const stress = faultOfDriver('process', request.action.name).stress(request.spec, factsOf(host, room));
  requireTasks(stress, room, target);
  const { path, residentBytes, workers, notes = [] } = stress;
  return {
    target,
    work: {
      shape: 'process',
      engine: 'stress-ng',
      args: [...stress.args],
      workers,
      oomScoreAdj: stress.oomScoreAdj ?? (target.kind === 'node' ? 0 : host.oomScoreAdjOf(containerOf(target))),
      ...defined({ path, residentBytes }),
    },
    notes,
  };
}

function factsOf(host: Host, room: CgroupRoom | undefined): StressFacts {
  const node = { nodeMemoryBytes: host.memoryBytes, nodeFreeBytes: host.memoryFreeBytes() };
  if (room === undefined) {
    const { nodeMemoryBytes: memoryLimitBytes, nodeFreeBytes: memoryFreeBytes } = node;
    return { place: 'node', ...node, memoryLimitBytes, memoryFreeBytes, oomKillsAll: false };
  }
  const { tasks: _tasks, ...memory } = room;
  return { place: 'container', ...node, ...memory };
}

/** Where the kernel refuses a worker, stress-ng tries for ever, and the application could not start a process either. */
function requireTasks({ workers, processes }: Stress, room: CgroupRoom | undefined, target: ProcessTarget): void {
  const tasks = room?.tasks;
  if (tasks === undefined || tasks.free >= processes) return;
  const asked = `${countOf(workers, 'worker')} are ${countOf(processes, 'process', 'processes')}`;
  const allowed = `${targetName(target)} may have ${tasks.limit} (pids.max), of which ${Math.max(0, tasks.free)} are free`;
  throw new ChaosError('FAILED_PRECONDITION', `${asked}, and ${allowed}: ask for fewer workers`);
}

/** The process by which the one container of a target is known. */
export function containerOf(target: Extract<ProcessTarget, { kind: 'containers' }>): ProcessRef {
  const [container] = target.containers;
  if (container === undefined) throw new Error('a target of no container');
  return container.process;
}

/** Whether what a stressor wears out is still there. */
export function isThere({ host }: DriverContext, target: ProcessTarget): boolean {
  return target.kind === 'node' || host.processes.isAlive(containerOf(target));
}
