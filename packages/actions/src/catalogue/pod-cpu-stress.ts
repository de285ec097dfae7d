/** pod-cpu-stress: a container's CPU time is burnt. */
import { defineAction } from '../action.ts';
import { podTargetParameters, toPodTarget, type PodTarget } from '../parameters/scope.ts';
import { cpuParameters, WHICH_CONTAINER, type CpuStress } from '../parameters/stress.ts';

/** CPU stress of a container, understood. */
export interface PodCpuStressSpec extends CpuStress {
  readonly target: PodTarget;
}

export const podCpuStress = defineAction({
  name: 'pod-cpu-stress',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execStressChaos', wireAction: 'cpu' },
  recover: 'undo',
  schemas: { ...cpuParameters, ...podTargetParameters(WHICH_CONTAINER) },
  toSpec: (values): PodCpuStressSpec => ({
    target: toPodTarget(values),
    workers: values.workers,
    load: values.load,
  }),
  summary: "CPU time is burnt in the container's cgroup.",
  description: `stress-ng runs in the container's own cgroup, from its first instruction on: what it uses counts as the container's, its CPU
limit holds for both together, and the neighbours feel no more than they would of the container itself.

It is a process of the node, not of the container: the container does not see it, and nothing is installed in its image. It ends
with the daemon, and the next daemon starts it again while the experiment lasts.`,
  evidence:
    'CPU time of the stressor since it joined the cgroup, and of the whole cgroup since then. *Verified* when the stressor used any and all workers run; a request whose workers may not all be started (pids.max) is refused.',
  example: { workers: '1', load: '50' },
});
