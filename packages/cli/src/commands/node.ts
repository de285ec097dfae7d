/** `chaosplane doctor` and `chaosplane actions`: what this node can do, and what there is to do. */
import { defined } from '@chaosplane/common';
import { hostname } from 'node:os';
import { catalogue, findAction, toldParameters } from '@chaosplane/actions';
import { actionSupport, createHost } from '@chaosplane/daemon';
import type { Command } from 'commander';
import { addClusterOptions, meansCluster, tellPlace, type ClusterFlags } from '../cluster/connect.ts';
import { exitCodes } from '../output/verdict.ts';
import { table } from '../output/table.ts';
import { joinDaemon } from '../standalone/daemon-connection.ts';
import { doctorCluster } from './cluster-doctor.ts';
import { addMachineOptions, engineOption, isPlugin, outputOption, runtimeOption, socketOption } from './options.ts';
import type { EngineFlags, Surroundings } from './options.ts';

type Flags = Pick<EngineFlags, 'socket' | 'runtimeEndpoint' | 'networkEngine'> & { readonly output: 'text' | 'json' };

export function addNode(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  const { out, err } = surroundings;
  const nodes = isPlugin(surroundings) ? 'each node can do' : 'this node can do, or each node of a cluster';
  const command = program
    .command('doctor')
    .description(
      `tell what ${nodes}, and what to install or load for the rest; exit code 1 when one lacks something for an action`,
    )
    .addOption(outputOption);
  addClusterOptions(command, { namespace: false });
  addMachineOptions(command, surroundings, socketOption, runtimeOption, engineOption).action(
    async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Flags & ClusterFlags>();
      if (meansCluster(command, surroundings)) {
        done(await doctorCluster(flags, surroundings));
        return;
      }
      const { output, runtimeEndpoint, networkEngine } = flags;
      tellPlace(err, 'machine');
      const host = await createHost({
        nodeName: hostname(),
        ...defined({ runtimeEndpoint }),
      });
      try {
        const capabilities = await host.capabilities();
        const settings = await nodeSettings(flags.socket, surroundings);
        const actions = catalogue.map((action) => ({
          ...actionSupport(action, capabilities, { engine: networkEngine, hooks: 'auto' }, settings),
          // What the operator of a cluster carries out needs nothing of this machine.
          here: action.route.on === 'daemon',
        }));
        // What is not allowed has an engine all the same.
        const lacking = actions.filter(
          ({ supported, engine, here }) => here && supported !== true && engine === undefined,
        );
        if (output === 'json')
          out.write(`${JSON.stringify({ kernel: host.kernelRelease, capabilities, actions }, null, 2)}\n`);
        else {
          const found = capabilities.map(({ name, available, detail }) => [
            available ? '✓' : '✗',
            name,
            detail.split('\n')[0] ?? '',
          ]);
          const remedies = capabilities.filter(({ available, remedy }) => !available && remedy !== '');
          const able = actions.map(({ action, supported, engine, reason, here }) => [
            supported === true ? '✓' : here && engine === undefined ? '✗' : '–',
            action ?? '',
            supported === true ? `by ${engine ?? ''}` : (reason ?? ''),
          ]);
          out.write(`kernel ${host.kernelRelease}\n\n${table(['', 'CAPABILITY', 'FOUND'], found)}\n\n`);
          if (remedies.length > 0)
            out.write(
              `what would bring the rest:\n${remedies.map(({ name, remedy }) => `  ${name}: ${remedy}\n`).join('')}\n`,
            );
          out.write(`${table(['', 'ACTION', 'HERE'], able)}\n`);
        }
        const runtime = capabilities.some(({ name, available }) => name === 'container-runtime' && available);
        if (!runtime)
          out.write(
            'without a container runtime there is no pod to hit: start one, or name it with --runtime-endpoint\n',
          );
        done(runtime && lacking.length === 0 ? exitCodes.held : exitCodes.notHeld);
      } finally {
        await host.close();
      }
    },
  );
  program
    .command('actions [name]')
    .description('list the actions, or explain one')
    .action((name: string | undefined) => {
      out.write(`${name === undefined ? actionList() : actionHelp(name)}\n`);
      done(exitCodes.held);
    });
}

/** What the daemon of this node allows; an engine in a command allows nothing of the kind. */
async function nodeSettings(socket: string, surroundings: Surroundings): Promise<{ allowNodeRestart: boolean }> {
  const connection = await joinDaemon(socket, surroundings);
  if (connection === undefined) return { allowNodeRestart: false };
  try {
    const { actions } = await connection.client.getCapabilities({});
    const restart = actions.find(({ action }) => action === 'node-restart');
    return { allowNodeRestart: restart?.supported === true };
  } finally {
    await connection.close();
  }
}

function actionList(): string {
  return table(
    ['ACTION', 'TARGET', 'WHAT IT DOES'],
    catalogue.map(({ name, targetKind, summary }) => [name, targetKind, summary]),
  );
}

function actionHelp(name: string): string {
  const action = findAction(name);
  const rows = toldParameters(action).map((told) => [told.name, told.default ?? '', told.description]);
  const example = Object.entries(action.example).map(([key, value]) => `  ${key}: ${value}`);
  return [
    `${action.name}: ${action.summary}`,
    '',
    action.description,
    '',
    table(['PARAMETER', 'DEFAULT', 'MEANING'], rows),
    '',
    `Evidence: ${action.evidence}`,
    '',
    'Example:',
    ...example,
  ].join('\n');
}
