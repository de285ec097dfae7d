/** `chaosplane demo`: the whole story on this machine, with pods of its own. */
import type { Command } from 'commander';
import { runDemo } from '../demo/demo.ts';
import type { Surroundings } from './options.ts';

export function addDemo(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  program
    .command('demo')
    .summary('watch a delay come and go between two real pods')
    .description(
      'Starts a private container runtime with two pods, one calling the other over HTTP, injects 200 ms of latency into the\n' +
        'caller through the daemon, measures the requests before, during and after, and compares the network namespace of the\n' +
        'caller before and after. Needs root; installs missing Debian packages, and says so. Everything it starts is removed.',
    )
    .action(async () => done(await runDemo(surroundings)));
}
