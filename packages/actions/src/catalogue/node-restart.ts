/** node-restart: the node restarts. */
import { parseDuration, refused, type Parsed } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { defaulted } from '../parameters/parameter.ts';

/** A restart, understood. */
export interface NodeRestartSpec {
  readonly gracePeriodMs: number;
}

const ALLOWED = 'a duration from 0s to 5m';

function parseGrace(text: string): Parsed<number> {
  const parsed = parseDuration(text);
  if (!parsed.ok) return parsed;
  return parsed.value > 300_000 ? refused(text, 'is too long', ALLOWED) : parsed;
}

export const nodeRestart = defineAction({
  name: 'node-restart',
  aliases: [],
  targetKind: 'Node',
  route: { on: 'daemon', rpc: 'execNodeChaos', wireAction: 'restart' },
  recover: 'one-shot',
  schemas: {
    gracePeriod: defaulted(parseGrace, {
      description: 'How long the node waits between the request and the restart.',
      allowed: ALLOWED,
      default: '1s',
    }),
  },
  toSpec: ({ gracePeriod }): NodeRestartSpec => ({ gracePeriodMs: gracePeriod }),
  summary: 'The node restarts.',
  description: `Refused unless the daemon of the node was started with \`--allow-node-restart\` (chart: \`daemon.allowNodeRestart\`).

Where the first process of the node is systemd, systemd is asked, and stops every service in order. Elsewhere everything is written to
disk and the kernel restarts at once, as at a power cut.

It happens once. The daemon journals it before; the daemon that starts after the boot sees that the node has booted since, says
*done*, and does not do it again. That needs a journal that outlives the boot: a \`--state-dir\` on a disk. Where the boot has cost the
daemon its journal, an experiment misses the node, because its request names the boot that was chosen, and does not restart it again.

In an experiment, a target counts as injected when its node has booted and its daemon says *done*. Until then it is asked again under
the same key. Set \`injectionTimeout\` to what a boot may take (\`10m\`): a node that is not back by then is missed.`,
  evidence: 'That the node has booted since it was asked for. *Verified* by the daemon that starts after it.',
  example: { gracePeriod: '5s' },
  injectionTimeout: '10m',
});
