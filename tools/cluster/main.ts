/** `npm run cluster`: a real Kubernetes on this machine, for people. */
import { Command, CommanderError } from 'commander';
import { addCommands } from './commands.ts';

const program = new Command('npm run cluster --')
  .description(
    'A real Kubernetes of several nodes on this machine, built from source; nothing is left when it is down.',
  )
  .exitOverride()
  .showHelpAfterError('(add --help for more)');
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => interrupted.abort(new Error('interrupted')));
addCommands(program, {
  print: (line) => void process.stdout.write(`${line}\n`),
  report: (line) => void process.stderr.write(`${line}\n`),
  signal: interrupted.signal,
  words: process.argv.slice(2),
  environment: process.env,
});
try {
  process.exitCode = await program.parseAsync().then(() => process.exitCode ?? 0);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
process.exit();
