#!/usr/bin/env node
/** The daemon's own program, for the image: serves in the foreground until it is told to stop. */
import { apiServerOfPod, createLogger, defined, keepOwnMemorySmall, systemClock, VERSION } from '@chaosplane/common';
import { Command, CommanderError } from 'commander';
import { startDaemon } from './daemon.ts';
import { addDaemonFlags, settingsOf, type DaemonFlags } from './flags.ts';
import { giveCodeBack } from './host/kernel/code-pages.ts';
import { endsWithin, shutdownMs } from './shutdown.ts';

const COULD_NOT_START = 2;

const told = Promise.withResolvers<NodeJS.Signals>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => told.resolve(signal));

const program = addDaemonFlags(new Command('chaosplane-daemon'))
  .description('Carries chaos experiments out on one node.')
  .version(VERSION)
  .exitOverride()
  .action(async (given: DaemonFlags) => {
    const flags = { ...defined({ apiServer: apiServerOfPod(process.env) }), ...given };
    const logger = createLogger({ level: flags.logLevel });
    try {
      const daemon = await startDaemon(settingsOf(flags), { logger });
      keepOwnMemorySmall(systemClock, { alsoGiveBack: giveCodeBack, mayPause: () => daemon.isIdle() });
      const signal = await told.promise;
      logger.info({ signal }, 'daemon stopping');
      if ((await endsWithin(daemon.stop(), shutdownMs(flags.onStop), systemClock)) === 'stopped') return;
      logger.error('daemon did not stop in time, and ends: the next one takes over what is in force');
      process.exit();
    } catch (error) {
      logger.fatal({ err: error }, 'daemon could not go on');
      process.exitCode = COULD_NOT_START;
    }
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : COULD_NOT_START;
}
