/** pod-io-stress: a container's file system is written to, without a pause. */
import { defineAction } from '../action.ts';
import { podTargetParameters, toPodTarget, type PodTarget } from '../parameters/scope.ts';
import { ioParameters, WHICH_CONTAINER } from '../parameters/stress.ts';

/** I/O stress of a container, understood. */
export interface PodIoStressSpec {
  readonly target: PodTarget;
  readonly workers: number;
  /** As the container sees it. */
  readonly path: string;
  /** Bytes that each worker writes before it begins again. */
  readonly size: number;
}

export const podIoStress = defineAction({
  name: 'pod-io-stress',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execStressChaos', wireAction: 'io' },
  recover: 'undo',
  schemas: { ...ioParameters, ...podTargetParameters(WHICH_CONTAINER) },
  toSpec: (values): PodIoStressSpec => ({
    target: toPodTarget(values),
    workers: values.workers,
    path: values.path,
    size: values.size,
  }),
  summary: "Files are written on the container's file system, each write down to the disk.",
  description: `stress-ng runs in the container's own cgroup and writes files in \`path\`, with fdatasync after each write, so that the disk is
kept busy and not the page cache. The path is resolved inside the container's root: a symlink of the container is followed as the
container itself would follow it, and never leads out of it. Choose a volume by its mount point.

The files need up to workers × size of space while it lasts, and are removed in the end.`,
  evidence: 'Bytes that the stressor wrote. *Verified* when it wrote any.',
  example: { path: '/', size: '16Mi' },
});
