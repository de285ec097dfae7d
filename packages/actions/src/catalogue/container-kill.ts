/** container-kill: the first process of a container gets a signal. */
import { refused, type Parsed } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { defaulted } from '../parameters/parameter.ts';
import { podTargetParameters, toPodTarget, type PodTarget } from '../parameters/scope.ts';

/** The signals that may be sent: those after which nothing is left to be undone. */
export const killSignals = ['KILL', 'TERM', 'INT', 'QUIT', 'HUP', 'USR1', 'USR2'] as const;

/** A kill, understood. */
export interface ContainerKillSpec {
  /** Without a container: all of the pod. */
  readonly target: PodTarget;
  readonly signal: (typeof killSignals)[number];
}

const ALLOWED = `${killSignals.join(', ')}, with or without SIG`;

function parseSignal(text: string): Parsed<ContainerKillSpec['signal']> {
  const found = killSignals.find((signal) => text === signal || text === `SIG${signal}`);
  return found === undefined ? refused(text, 'is not a signal that may be sent', ALLOWED) : { ok: true, value: found };
}

export const containerKill = defineAction({
  name: 'container-kill',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execStressChaos', wireAction: 'container-kill' },
  recover: 'one-shot',
  schemas: {
    signal: defaulted(parseSignal, {
      description: "The signal that the container's first process gets.",
      allowed: ALLOWED,
      default: 'KILL',
    }),
    ...podTargetParameters('Which container. Without it: every container of the pod that runs.'),
  },
  toSpec: (values): ContainerKillSpec => ({ target: toPodTarget(values), signal: values.signal }),
  summary: 'A container is killed; what runs it starts it again.',
  description: `The first process of the container gets the signal, from the node: nothing runs in the container for it, and no permission of the
container is needed. KILL always ends it. Any other signal does what the application makes of it; the first process of a container
ignores those that it has no handler for.

It happens once; there is nothing to undo. The kubelet starts the container again as the pod's restartPolicy says, with its
back-off.`,
  evidence:
    'The exit code of each container and when it exited. *Verified* when all of them exited within ten seconds.',
  example: { containerName: 'app', signal: 'KILL' },
});
