/** node-restart: the node restarts, where its administrator allows it. */
import type { NodeRestartSpec } from '@chaosplane/actions';
import { ChaosError, formatDuration } from '@chaosplane/common';
import type { OneShotFault } from '../fault.ts';

/** A restart that takes longer than this to end the daemon has not happened. */
const RESTART_MS = 120_000;

export const nodeRestart: OneShotFault<NodeRestartSpec> = {
  driver: 'one-shot',
  engine: 'reboot',
  needs: ['root'],
  target: () => ({ on: 'node' }),
  require(_spec, { allowNodeRestart }) {
    if (allowNodeRestart) return;
    const wayOut = 'start its daemon with --allow-node-restart (chart: daemon.allowNodeRestart)';
    throw new ChaosError('FAILED_PRECONDITION', `this node does not allow to be restarted: ${wayOut}`);
  },
  steps: ({ gracePeriodMs }) => [{ tool: 'reboot', argv: [], input: `after ${formatDuration(gracePeriodMs)}\n` }],
  async run({ gracePeriodMs }, _target, { host, clock, logger }) {
    logger.warn({ gracePeriodMs }, 'node restarts');
    await clock.sleep(gracePeriodMs);
    host.restartNode();
    // The restart ends the daemon before this wait is over.
    await new Promise<void>((resolve) => clock.after(RESTART_MS, resolve));
    return { verdict: 'not-observed', summary: 'the node was told to restart, and has not', counters: {} };
  },
  async outcome(_spec, _target, { bootId }, { host }) {
    if (host.bootId === bootId) return undefined;
    return {
      verdict: 'verified',
      summary: `the node has booted since: boot ${bootId} before, ${host.bootId} now`,
      counters: { boots: 1 },
    };
  },
};
