/** pod-memory-stress: memory of a container is used up. */
import { defineAction } from './action.ts';
import { podTargetShape, toPodTarget, type PodTarget } from './scope.ts';
import { memoryShape, toMemoryStress, WHICH_CONTAINER, type MemoryStress } from './stress.ts';

/** Memory stress of a container, understood. */
export interface PodMemoryStressSpec extends MemoryStress {
  readonly target: PodTarget;
}

export const podMemoryStress = defineAction({
  name: 'pod-memory-stress',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execStressChaos', wireAction: 'memory' },
  recover: 'undo',
  shape: { ...memoryShape("the container's limit"), ...podTargetShape(WHICH_CONTAINER) },
  toSpec: (values): PodMemoryStressSpec => ({ target: toPodTarget(values), ...toMemoryStress(values) }),
  summary: "Memory is kept in use in the container's cgroup.",
  description: `stress-ng runs in the container's own cgroup, fills the memory and keeps it. With a limit, the container has that much less;
when it needs more than is left, the kernel kills one of the processes in the cgroup. The stressor is no more likely to be chosen
than others of its size, unless \`oomScoreAdj\` asks for it.

A percentage is of the container's limit; a container without one is refused.`,
  evidence: 'Memory that the stressor has resident. *Verified* when that is at least 90 % of what was asked for.',
  example: { size: '50%' },
});
