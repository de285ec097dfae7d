/** `npm run package`: the command as a package of npm, as it is published. */
import { resolve } from 'node:path';
import { VERSION } from '@chaosplane/common';
import { packNpm } from '@chaosplane/image';
import { Command } from 'commander';

async function run(options: { readonly out: string }): Promise<void> {
  process.stdout.write(`${await packNpm(resolve(options.out), { version: VERSION })}\n`);
}

const program = new Command('npm run package --')
  .description('makes the package of npm, from which npx chaosplane runs')
  .option('--out <folder>', 'where it goes', 'dist/npm')
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
