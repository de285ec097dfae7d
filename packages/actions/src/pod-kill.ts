/** pod-kill: a pod is deleted, and whatever owns it makes another one. */
import { quoted, refused, type Parsed } from '@chaosplane/common';
import { defineAction } from './action.ts';
import { defaulted } from './parameter.ts';

/** A kill, understood. */
export interface PodKillSpec {
  /** How long the pod may take to end, in seconds; 0: it is gone at once. */
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
  shape: {
    gracePeriodSeconds: defaulted(parseSeconds, {
      description: 'How long the pod may take to end. 0: its processes are killed at once.',
      allowed: ALLOWED,
      default: '0',
    }),
  },
  toSpec: ({ gracePeriodSeconds }): PodKillSpec => ({ gracePeriodSeconds }),
  summary: 'A pod is deleted; whatever owns it makes another one.',
  description: `The operator deletes the pod through the API server, with the uid of the pod that was chosen as a precondition:
a pod of the same name that has taken its place in the meantime is left alone. A pod that nothing owns does not come back.

It needs a cluster. It happens once; there is nothing to undo.`,
  evidence: 'Whether the pod is gone, or is ending. *Verified* when it is.',
  example: { gracePeriodSeconds: '0' },
});
