/** pod-kill: a pod is deleted, and its owner makes another one. */
import { quoted, refused, type Parsed } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { defaulted } from '../parameters/parameter.ts';

/** A kill, understood. */
export interface PodKillSpec {
  /** How long the pod may take to end, in seconds; 0: the API server forgets it at once, and waits for no kubelet. */
  readonly gracePeriodSeconds: number;
}

const ALLOWED = 'whole seconds from 0 to 3600';

function parseSeconds(text: string): Parsed<number> {
  if (!/^\d{1,4}$/.test(text)) return refused(text, 'is not a number of seconds', ALLOWED);
  const value = Number(text);
  return value <= 3600
    ? { ok: true, value }
    : { ok: false, wrong: `${quoted(text)} is more than an hour`, allowed: ALLOWED };
}

export const podKill = defineAction({
  name: 'pod-kill',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'operator' },
  recover: 'one-shot',
  schemas: {
    gracePeriodSeconds: defaulted(parseSeconds, {
      description:
        'How long the pod may take to end before it is killed. 0: a force delete, which does not wait for the kubelet; see above.',
      allowed: ALLOWED,
      default: '1',
    }),
  },
  toSpec: ({ gracePeriodSeconds }): PodKillSpec => ({ gracePeriodSeconds }),
  summary: 'A pod is deleted; its owner makes another one.',
  description: `The operator deletes the pod through the API server, with the uid of the pod that was chosen as a precondition:
a pod of the same name that has taken its place in the meantime is left alone. A pod that nothing owns does not come back.

With \`gracePeriodSeconds\` of 1 or more, Kubernetes has a pod of that name until the kubelet says that its processes have ended. With 0
it has none from the same moment on, while they still run: a StatefulSet may then have two pods of one name side by side, with one
volume and one identity, and data may be lost
([force deletion](https://kubernetes.io/docs/tasks/run-application/force-delete-stateful-set-pod/)).

It needs a cluster. It happens once; there is nothing to undo.`,
  evidence: 'Whether the pod is gone, or is ending. *Verified* when it is.',
  example: { gracePeriodSeconds: '1' },
});
