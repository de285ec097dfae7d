/** `chaosplane version`. */
import { VERSION } from '@chaosplane/common';
import type { Command } from 'commander';
import { exitCodes } from '../output/verdict.ts';
import type { Surroundings } from './options.ts';

export function addVersion(program: Command, { out }: Surroundings, done: (exitCode: number) => void): void {
  program
    .command('version')
    .description('print the version of this command')
    .action(() => {
      out.write(`${VERSION}\n`);
      done(exitCodes.held);
    });
}
