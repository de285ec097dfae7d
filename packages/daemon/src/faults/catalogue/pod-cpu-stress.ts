/** pod-cpu-stress: stress-ng burns CPU time in the container's cgroup. */
import type { PodCpuStressSpec } from '@chaosplane/actions';
import type { ProcessFault } from '../fault.ts';
import { oneContainer, cpuEvidence, cpuStress } from '../shared/stress.ts';

export const podCpuStress: ProcessFault<PodCpuStressSpec> = {
  driver: 'process',
  target: ({ target }) => oneContainer(target),
  stress: cpuStress,
  evidence: cpuEvidence,
};
