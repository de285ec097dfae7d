/** `chaosplane list`, `get` and `cancel`: what is going on on this node, and the end of it. */
import { ChaosError } from '@chaosplane/common';
import {
  EndReason,
  Execution as ExecutionCodec,
  ExecutionState,
  Verdict,
  type ChaosDaemonClient,
  type Execution,
} from '@chaosplane/proto';
import { isLive, words } from '@chaosplane/client';
import { Option, type Command } from 'commander';
import { addClusterOptions, meansCluster, tellPlace } from '../cluster/connect.ts';
import { exitCodes } from '../output/verdict.ts';
import { roughly, table } from '../output/table.ts';
import { joinDaemon } from '../standalone/daemon-connection.ts';
import { getExperiments, type GetFlags } from './experiments.ts';
import {
  addMachineOptions,
  isPlugin,
  outputOption,
  socketOption,
  type DaemonFlags,
  type Surroundings,
} from './options.ts';

type Done = (exitCode: number) => void;
type OutputFlags = DaemonFlags & { readonly output: 'text' | 'json' };

const endedOption = new Option('-a, --all', 'also those that have ended, for 24 hours');
const allNamespacesOption = new Option('-A, --all-namespaces', 'the experiments of all namespaces');

const nameOf = (names: Readonly<Record<string, number>>, value: number, prefix: string): string =>
  words(Object.entries(names).find(([, number]) => number === value)?.[0] ?? '', prefix);

export function addExecutions(program: Command, surroundings: Surroundings, done: Done): void {
  const { out, err } = surroundings;
  addList(program, surroundings, done);
  addGet(program, surroundings, done);
  if (isPlugin(surroundings)) return;
  program
    .command('cancel <id...>')
    .description('undo executions; one that has ended already is a success')
    .addOption(socketOption)
    .action(async (ids: string[], _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DaemonFlags>();
      tellPlace(err, 'machine');
      await withDaemon(flags, surroundings, async (client, call) => {
        for (const executionId of ids) out.write(`${(await client.cancelChaos({ executionId }, call)).message}\n`);
      });
      done(exitCodes.held);
    });
}

function addList(program: Command, surroundings: Surroundings, done: Done): void {
  const { out, err } = surroundings;
  const command = program
    .command('list')
    .description(
      isPlugin(surroundings)
        ? 'list the experiments of a namespace, or of all'
        : 'list the executions on this node, or the experiments of a cluster',
    )
    .addOption(outputOption);
  addClusterOptions(addMachineOptions(command, surroundings, socketOption, endedOption))
    .addOption(allNamespacesOption)
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<OutputFlags & GetFlags & { readonly all?: boolean }>();
      if (meansCluster(command, surroundings)) {
        await getExperiments(undefined, flags, surroundings);
        done(exitCodes.held);
        return;
      }
      tellPlace(err, 'machine');
      const { executions } = await withDaemon(flags, surroundings, (client, call) =>
        client.listExecutions({ includeEnded: flags.all === true }, call),
      );
      if (flags.output === 'json')
        out.write(
          `${JSON.stringify(
            executions.map((one) => ExecutionCodec.toJSON(one)),
            null,
            2,
          )}\n`,
        );
      else
        out.write(`${executions.length === 0 ? 'no executions' : listTable(executions, surroundings.clock.now())}\n`);
      done(exitCodes.held);
    });
}

function addGet(program: Command, surroundings: Surroundings, done: Done): void {
  const { out, err, calledAs } = surroundings;
  const [summary, description] = isPlugin(surroundings)
    ? ['show experiments', 'Shows one experiment by its name, or all of a namespace.']
    : [
        'show one execution of this node, or the experiments of a cluster',
        'Shows one execution of this node, by its id, with its evidence;\n' +
          'with --cluster, --context or --kubeconfig, one experiment of the cluster by its name, or all of a namespace.',
      ];
  const command = program.command('get [name]').summary(summary).description(description).addOption(outputOption);
  addClusterOptions(addMachineOptions(command, surroundings, socketOption))
    .addOption(allNamespacesOption)
    .action(async (name: string | undefined, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<OutputFlags & GetFlags>();
      if (meansCluster(command, surroundings)) {
        await getExperiments(name, flags, surroundings);
        done(exitCodes.held);
        return;
      }
      if (name === undefined) {
        const wayOut = `${calledAs} list shows the ids, ${calledAs} get --cluster the experiments of a cluster`;
        throw new ChaosError('INVALID_ARGUMENT', `which execution is meant? ${wayOut}`);
      }
      tellPlace(err, 'machine');
      const executionId = name;
      const execution = await withDaemon(flags, surroundings, (client, call) =>
        client.getExecution({ executionId }, call),
      );
      const json = JSON.stringify(ExecutionCodec.toJSON(execution), null, 2);
      out.write(`${flags.output === 'json' ? json : detail(execution)}\n`);
      done(exitCodes.held);
    });
}

async function withDaemon<T>(
  { socket }: DaemonFlags,
  surroundings: Surroundings,
  work: (client: ChaosDaemonClient, call: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const connection = await joinDaemon(socket, surroundings);
  if (connection === undefined) {
    const wayOut =
      'chaosplane recover --all undoes what an earlier one left, chaosplane daemon starts one, --socket names another place';
    throw new ChaosError('UNAVAILABLE', `no daemon answers on ${socket}: ${wayOut}`);
  }
  try {
    return await work(connection.client, { signal: surroundings.interrupted });
  } finally {
    await connection.close();
  }
}

function listTable(executions: readonly Execution[], now: number): string {
  const rows = executions.map((execution) => [
    execution.executionId,
    targetOf(execution),
    stateOf(execution),
    roughly(now - (execution.createdAt?.getTime() ?? now)),
    isLive(execution) ? roughly((execution.expiresAt?.getTime() ?? now) - now) : '',
    execution.evidence?.summary ?? '',
  ]);
  return table(['ID', 'TARGET', 'STATE', 'AGE', 'ENDS IN', 'EVIDENCE'], rows);
}

/** `shop/web`, `node n1`. */
function targetOf({ target }: Execution): string {
  if (target === undefined) return '';
  return target.podName === '' ? `node ${target.nodeName}` : `${target.podNamespace}/${target.podName}`;
}

function stateOf({ state, endReason }: Execution): string {
  const ended = state === ExecutionState.EXECUTION_STATE_ENDED;
  return ended ? nameOf(EndReason, endReason, 'END_REASON_') : nameOf(ExecutionState, state, 'EXECUTION_STATE_');
}

function detail(execution: Execution): string {
  const { target, evidence, parameters } = execution;
  const lines: [string, string][] = [
    ['id', execution.executionId],
    ['action', execution.action],
    ['target', `${targetOf(execution)}${target?.podUid === '' ? '' : ` (${target?.podUid ?? ''})`}`],
    ['state', stateOf(execution)],
    [
      'parameters',
      Object.entries(parameters)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
    ],
    ['created', execution.createdAt?.toISOString() ?? ''],
    ['expires', execution.expiresAt?.toISOString() ?? ''],
    ['ended', execution.endedAt?.toISOString() ?? ''],
    ['error', execution.error],
    ['verdict', evidence === undefined ? '' : nameOf(Verdict, evidence.verdict, 'VERDICT_')],
    ['engine', evidence?.engine ?? ''],
    ['evidence', evidence?.summary ?? ''],
    ...Object.entries(evidence?.counters ?? {}).map(([key, value]): [string, string] => [`  ${key}`, String(value)]),
    ...(evidence?.notes ?? []).map((note): [string, string] => ['note', note]),
  ];
  return lines
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key.padEnd(18)} ${value}`)
    .join('\n');
}
