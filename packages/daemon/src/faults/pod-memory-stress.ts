/** pod-memory-stress: stress-ng keeps memory in use in the container's cgroup. */
import type { PodMemoryStressSpec } from '@chaosplane/actions';
import type { ProcessFault } from './fault.ts';
import { aimAtContainer, memoryEvidence, memoryStress } from './stress.ts';

export const podMemoryStress: ProcessFault<PodMemoryStressSpec> = {
  shape: 'process',
  aim: ({ target }) => aimAtContainer(target),
  stress: memoryStress,
  evidence: memoryEvidence,
};
