/** pod-memory-stress: memory of a container is used up. */
import { defineAction } from '../action.ts';
import { podTargetParameters, toPodTarget, type PodTarget } from '../parameters/scope.ts';
import { memoryParameters, toMemoryStress, WHICH_CONTAINER, type MemoryStress } from '../parameters/stress.ts';

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
  schemas: { ...memoryParameters("the container's limit"), ...podTargetParameters(WHICH_CONTAINER) },
  toSpec: (values): PodMemoryStressSpec => ({ target: toPodTarget(values), ...toMemoryStress(values) }),
  summary: "Memory is kept in use in the container's cgroup.",
  description: `stress-ng runs in the container's own cgroup, fills the memory and keeps it. With a limit, the container has that much less.
The limit is the lowest one that holds for it: its own, that of its pod, or one above.

A percentage is of that limit; a container without one is refused. More than the limit, or than the node has, is refused unless
\`force\` is \`true\`. What is asked for and not free at the moment is said in the plan and in the evidence.

When memory runs out, the kernel kills one of the processes in the cgroup; the stressor is no more likely to be chosen than others
of its size, unless \`oomScoreAdj\` asks for it. On cgroup v2 with \`memory.oom.group=1\`, which is the kubelet's default, it kills
**all of them: the application dies with the stressor**, regardless of \`oomScoreAdj\`. The plan says where that is so. A stressor that the kernel killed is not started again.`,
  evidence:
    'Memory that the stressor has resident. *Verified* when that is at least 90 % of what was asked for. When the kernel killed the stressor: what it had kept until then, and who was killed.',
  example: { size: '50%' },
});
