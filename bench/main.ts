/** `npm run bench`: how long things take, beside the floor of the machine, or beside others, in the same run. */
import { Command } from 'commander';
import { rounds, seconds, untilInterrupted } from './arguments.ts';
import { benchBandwidth } from './bandwidth.ts';
import { benchChaosMesh } from './chaos-mesh/bench.ts';
import { benchFelt } from './felt/bench.ts';
import { benchFeltInVm } from './felt/vm.ts';
import { benchFootprint } from './footprint.ts';
import { orEnd } from './needs.ts';
import { benchRpc } from './rpc.ts';
import { benchWorkflow } from './workflow.ts';

const program = new Command('npm run bench --').description(
  'Measures. Needs root, and a machine that does little else.',
);
program
  .command('rpc', { isDefault: true })
  .description('inject and cancel over gRPC, beside the floor: journal, RPC, container runtime, nftables')
  .argument('[rounds]', 'how often', rounds, 50)
  .action(benchRpc);
program
  .command('bandwidth')
  .description('what TCP feels of a bandwidth, by Reno and BBR, beside a link of that rate')
  .argument('[rounds]', 'how often', rounds, 1)
  .action(benchBandwidth);
program
  .command('chaos-mesh')
  .description("the same partitions by Chaos Mesh's daemon, on the same pod, interleaved; builds it first (Go, gcc)")
  .argument('[rounds]', 'how often', rounds, 20)
  .action(benchChaosMesh);
program
  .command('workflow')
  .description(
    'what a workflow of 300 steps costs: the reducer for each event, writes and objects of a real API server',
  )
  .action(benchWorkflow);
program
  .command('footprint')
  .description('what operator and daemon take of a node: idle, with 50 faults and 500, after them; 8 minutes a build')
  .option('--before <commit>', 'another build to measure beside this one; it is built first')
  .action(({ before }: { readonly before?: string }) => benchFootprint(before));
program
  .command('felt')
  .description('what an application feels of partition, loss and delay: a real one, ChaosPlane, Chaos Mesh')
  .argument('[rounds]', 'how often; about two minutes each', rounds, 3)
  .option('--cut <seconds>', 'how long the partition lasts', seconds, 8)
  .option('--vm', "in the virtual machine of the tests, on Debian's kernel, which has netem")
  .action(async (count: number, { cut, vm }: { readonly cut: number; readonly vm?: true }) => {
    const signal = untilInterrupted();
    await (vm === true ? benchFeltInVm : benchFelt)(count, { cut, signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      process.stderr.write(`${signal.reason instanceof Error ? signal.reason.message : 'ended'}\n`);
      process.exitCode = 130;
    });
  });

await orEnd(program.parseAsync());
process.exit();
