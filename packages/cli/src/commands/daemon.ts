/** `chaosplane daemon`: serves in the foreground until it is told to stop. */
import { createLogger } from '@chaosplane/common';
import { startDaemon } from '@chaosplane/daemon';
import { addDaemonFlags, settingsOf, type DaemonFlags } from '@chaosplane/daemon/flags';
import type { Command } from 'commander';
import { exitCodes } from '../output/verdict.ts';
import type { Surroundings } from './options.ts';

export function addDaemon(program: Command, { interrupted }: Surroundings, done: (exitCode: number) => void): void {
  const command = program
    .command('daemon')
    .summary('serve the gRPC contract on this node')
    .description(
      'Serves the gRPC contract on this node, in the foreground: on a unix socket that only its owner can enter, and on TCP\n' +
        'only with mutual TLS. What is active when it stops stays active for the next daemon to take over, for as long as its\n' +
        'TTL allows.',
    );
  addDaemonFlags(command).action(async (flags: DaemonFlags) => {
    const daemon = await startDaemon(settingsOf(flags), { logger: createLogger({ level: flags.logLevel }) });
    await new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
    await daemon.stop();
    done(exitCodes.held);
  });
}
