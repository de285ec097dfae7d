/** `chaosplane recover`: the end of everything, on this node or in a cluster. */
import { ChaosError, type Clock } from '@chaosplane/common';
import { HALT_POLICY, haltCluster, liftHalt, untilHalted } from '@chaosplane/client';
import type { Command } from 'commander';
import { addClusterOptions, connectCluster, meansCluster, tellPlace, type ClusterFlags } from '../cluster/connect.ts';
import { Interrupted, interruptOf } from './interrupted.ts';
import { describeError } from '../output/problems.ts';
import { exitCodes } from '../output/verdict.ts';
import { connectDaemon } from '../standalone/daemon-connection.ts';
import {
  addMachineOptions,
  connectionOptions,
  engineOption,
  isPlugin,
  runtimeOption,
  socketOption,
  stateDirOption,
  type EngineFlags,
  type Surroundings,
} from './options.ts';

type Flags = EngineFlags & ClusterFlags & { readonly all?: true; readonly lift?: true };

const OF_NODE =
  'Undoes every execution on this node: through the daemon that answers on the socket, or, when none does,\n' +
  'by reading the journal that an earlier one left, and by searching all pods for marks of ChaosPlane.';
const KILL_SWITCH = 'the kill switch on, which recovers every experiment and lets none begin, and waits for that.';

export function addRecover(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  const command = program
    .command('recover')
    .description(isPlugin(surroundings) ? `Turns ${KILL_SWITCH}` : `${OF_NODE}\nOf a cluster: turns ${KILL_SWITCH}`)
    .option('--all', 'yes, everything')
    .option('--lift', 'of a cluster: turns the kill switch off again');
  addClusterOptions(command, { namespace: false });
  addMachineOptions(command, surroundings, socketOption, stateDirOption, runtimeOption, engineOption).action(
    async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      const ofCluster = meansCluster(command, surroundings);
      if ((flags.all === true) === (flags.lift === true))
        throw new ChaosError('INVALID_ARGUMENT', 'say --all, or with --cluster --lift, which ends what --all began');
      if (flags.lift === true && !ofCluster)
        throw new ChaosError('INVALID_ARGUMENT', '--lift is about a cluster: say --cluster, or leave it out');
      done(await (ofCluster ? recoverCluster(flags, surroundings) : recoverNode(flags, surroundings)));
    },
  );
}

/** The kill switch, on or off. */
async function recoverCluster(flags: Flags, surroundings: Surroundings): Promise<number> {
  const { out, err, clock, interrupted: signal } = surroundings;
  const connection = connectCluster(flags, surroundings);
  tellPlace(err, connection);
  const { client } = connection;
  if (flags.lift === true) {
    const what = await liftHalt(client);
    out.write(what === 'lifted' ? 'the kill switch is off: experiments may begin\n' : 'the kill switch was not on\n');
    return exitCodes.held;
  }
  await haltCluster(client, { fieldManager: 'chaosplane' });
  out.write(`the kill switch is on (policy ${HALT_POLICY}): no experiment begins until recover --cluster --lift\n`);
  const silence = clock.after(SILENT_MS, () =>
    err.write('it takes long: does the operator run? kubectl get pods -n chaosplane\n'),
  );
  try {
    await untilHalted(client, { clock, signal, onLeft: (left) => out.write(leftWords(left, clock)) });
  } catch (error) {
    if (!signal.aborted) throw error;
    const goesOn = 'the kill switch stays on, and the operator goes on recovering';
    const how = 'get --cluster -A tells how far it is';
    throw new Interrupted(interruptOf(signal), `not waiting any more: ${goesOn}; ${surroundings.calledAs} ${how}`);
  } finally {
    silence.cancel();
  }
  out.write('nothing is in force any more\n');
  return exitCodes.held;
}

const SILENT_MS = 15_000;
const SHOWN = 5;

function leftWords(left: readonly { namespace: string; name: string; phase: string }[], clock: Clock): string {
  const shown = left.slice(0, SHOWN).map(({ namespace, name, phase }) => `${namespace}/${name} (${phase})`);
  const more = left.length > SHOWN ? `, and ${left.length - SHOWN} more` : '';
  return `${new Date(clock.now()).toISOString()} not recovered yet: ${shown.join(', ')}${more}\n`;
}

async function recoverNode(flags: EngineFlags, surroundings: Surroundings): Promise<number> {
  const { out, err } = surroundings;
  const { socket: socketPath, stateDir } = flags;
  tellPlace(err, 'machine');
  const connection = await connectDaemon(connectionOptions(flags), surroundings);
  if (connection.daemon !== undefined)
    err.write(`no daemon answers on ${socketPath}: this process undoes what the journal in ${stateDir} knows\n`);
  try {
    const { ended = [], orphans = [], complete = true } = connection.daemon?.swept ?? {};
    for (const id of ended) out.write(`${id}: swept\n`);
    for (const path of orphans) out.write(`${path}: marks without a record removed\n`);
    const { executions } = await connection.client.listExecutions({ includeEnded: false });
    // One that fails does not spare the others; the daemon goes on trying it.
    const results = await Promise.allSettled(
      executions.map(({ executionId }) => connection.client.cancelChaos({ executionId })),
    );
    const failed = results.filter((result) => result.status === 'rejected');
    for (const result of results) {
      out.write(`${result.status === 'fulfilled' ? result.value.message : describeError(result.reason, false)}\n`);
    }
    const total = ended.length + orphans.length + executions.length - failed.length;
    out.write(total === 0 ? 'nothing was left to undo\n' : `${total} undone\n`);
    if (!complete) out.write('warning: the pods could not be searched, because the container runtime did not answer\n');
    return complete && failed.length === 0 ? exitCodes.held : exitCodes.notHeld;
  } finally {
    await connection.close();
  }
}
