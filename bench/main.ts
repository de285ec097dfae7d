/** `npm run bench`: how long things take, beside the floor of the machine, or beside others, in the same run. */
import { Command, InvalidArgumentError } from 'commander';
import { benchChaosMesh } from './chaos-mesh/bench.ts';
import { benchRpc } from './rpc.ts';

const rounds = (text: string): number => {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('allowed: a number of rounds, 1 or more');
  return count;
};

const program = new Command('npm run bench --').description(
  'Measures. Needs root, and a machine that does little else.',
);
program
  .command('rpc', { isDefault: true })
  .description('inject and cancel over gRPC, beside the floor: journal, RPC, container runtime, nftables')
  .argument('[rounds]', 'how often', rounds, 50)
  .action(benchRpc);
program
  .command('chaos-mesh')
  .description("the same partitions by Chaos Mesh's daemon, on the same pod, interleaved; builds it first (Go, gcc)")
  .argument('[rounds]', 'how often', rounds, 20)
  .action(benchChaosMesh);

await program.parseAsync();
process.exit();
