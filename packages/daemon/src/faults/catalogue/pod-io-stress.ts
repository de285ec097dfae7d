/** pod-io-stress: stress-ng writes on the container's file system, from within its cgroup. */
import type { PodIoStressSpec } from '@chaosplane/actions';
import type { ProcessFault } from '../fault.ts';
import { oneContainer, ioEvidence } from '../shared/stress.ts';

export const podIoStress: ProcessFault<PodIoStressSpec> = {
  driver: 'process',
  target: ({ target }) => ({ ...oneContainer(target), inside: true }),
  stress: ({ workers, size, path }) => ({
    args: ['--hdd', String(workers), '--hdd-bytes', String(size), '--hdd-opts', 'wr-seq,fdatasync'],
    workers,
    processes: workers + 1,
    path,
  }),
  evidence: ioEvidence,
};
