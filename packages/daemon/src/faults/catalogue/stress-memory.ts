/** stress-memory: stress-ng keeps memory of the node in use, in a cgroup of its own. */
import type { MemoryStress } from '@chaosplane/actions';
import type { ProcessFault } from '../fault.ts';
import { memoryEvidence, memoryStress } from '../shared/stress.ts';

export const stressMemory: ProcessFault<MemoryStress> = {
  driver: 'process',
  target: () => ({ on: 'node' }),
  stress: memoryStress,
  evidence: memoryEvidence,
};
