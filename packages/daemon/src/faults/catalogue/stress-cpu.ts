/** stress-cpu: stress-ng burns CPU time of the node, in a cgroup of its own. */
import type { CpuStress } from '@chaosplane/actions';
import type { ProcessFault } from '../fault.ts';
import { cpuEvidence, cpuStress } from '../shared/stress.ts';

export const stressCpu: ProcessFault<CpuStress> = {
  driver: 'process',
  target: () => ({ on: 'node' }),
  stress: cpuStress,
  evidence: cpuEvidence,
};
