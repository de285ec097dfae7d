/** stress-cpu: CPU time of the node is burnt. */
import { defineAction } from '../action.ts';
import { cpuParameters, type CpuStress } from '../parameters/stress.ts';

/** CPU stress of the node, understood. */
export type StressCpuSpec = CpuStress;

export const stressCpu = defineAction({
  name: 'stress-cpu',
  aliases: ['node-cpu-stress'],
  targetKind: 'Node',
  route: { on: 'daemon', rpc: 'execStressChaos', wireAction: 'cpu' },
  recover: 'undo',
  schemas: cpuParameters,
  toSpec: ({ workers, load }): StressCpuSpec => ({ workers, load }),
  summary: 'CPU time is burnt on the node, outside any pod.',
  description: `stress-ng runs in a cgroup of its own, \`chaosplane/…\` beside the others of the node, never in the daemon's: no limit of a pod or of the
daemon holds for it. Pods with CPU requests keep their share; what is not requested is contended for.

On the wire it is the stress RPC without a pod.`,
  evidence: 'CPU time of the stressor, and of its cgroup. *Verified* when it used any.',
  example: { workers: '1', load: '50' },
});
