/** stress-memory: memory of the node is used up. */
import { defineAction } from '../action.ts';
import { memoryParameters, toMemoryStress, type MemoryStress } from '../parameters/stress.ts';

/** Memory stress of the node, understood. */
export type StressMemorySpec = MemoryStress;

export const stressMemory = defineAction({
  name: 'stress-memory',
  aliases: [],
  targetKind: 'Node',
  route: { on: 'daemon', rpc: 'execStressChaos', wireAction: 'memory' },
  recover: 'undo',
  schemas: memoryParameters('the memory of the node'),
  toSpec: (values): StressMemorySpec => toMemoryStress(values),
  summary: 'Memory of the node is kept in use, outside any pod.',
  description: `stress-ng runs in a cgroup of its own, \`chaosplane/…\` beside the others of the node, never in the daemon's: no limit of a pod or of the
daemon holds for it. When the node runs out of memory, the kubelet evicts pods and the kernel kills processes, as they would for any other use.
More than the node has is refused unless \`force\` is \`true\`; more than it has free at the moment is said in the plan.

On the wire it is the stress RPC without a pod.`,
  evidence: 'Memory that the stressor has resident. *Verified* when that is at least 90 % of what was asked for.',
  example: { size: '10%' },
});
