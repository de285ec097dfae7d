/** pod-memory-stress: stress-ng keeps memory in use in the container's cgroup. */
import type { PodMemoryStressSpec } from '@chaosplane/actions';
import type { ProcessFault } from '../fault.ts';
import { oneContainer, memoryEvidence, memoryStress } from '../shared/stress.ts';

export const podMemoryStress: ProcessFault<PodMemoryStressSpec> = {
  driver: 'process',
  target: ({ target }) => oneContainer(target),
  stress: memoryStress,
  evidence: memoryEvidence,
};
