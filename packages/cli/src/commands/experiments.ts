/** `chaosplane describe` and `abort`, and `get` of a cluster: the experiments of a cluster, for people. */
import { ChaosError, formatDuration, type Clock } from '@chaosplane/common';
import { isFinal, parseExperiment, chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import type { Command } from 'commander';
import {
  clusterOption,
  connectCluster,
  contextOption,
  kubeconfigOption,
  namespaceOption,
  tellPlace,
  type ClusterFlags,
  type Connection,
} from '../cluster/connect.ts';
import { requestAbort, statusOf, untilEnded } from '@chaosplane/client';
import { exitCodes } from '../output/verdict.ts';
import { report } from '../output/progress.ts';
import { roughly, table } from '../output/table.ts';
import { outputOption, type Surroundings } from './options.ts';

type Done = (exitCode: number) => void;

/** Flags of `get` on a cluster. */
export type GetFlags = ClusterFlags & { readonly output: 'text' | 'json'; readonly allNamespaces?: boolean };

export function addExperiments(program: Command, surroundings: Surroundings, done: Done): void {
  const { out, err, clock } = surroundings;
  const connect = (flags: ClusterFlags): Connection => {
    const connection = connectCluster(flags, surroundings);
    tellPlace(err, connection);
    return connection;
  };
  program
    .command('describe <name>')
    .description('show one experiment of the cluster: its phase, conditions and targets with their evidence')
    .addOption(clusterOption)
    .addOption(namespaceOption)
    .addOption(contextOption)
    .addOption(kubeconfigOption)
    .addOption(outputOption)
    .action(async (name: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GetFlags>();
      const object = await find(connect(flags), name);
      out.write(flags.output === 'json' ? `${JSON.stringify(object, null, 2)}\n` : `${description(object)}\n`);
      done(exitCodes.held);
    });
  program
    .command('abort <name...>')
    .description('end experiments of the cluster now; everything is recovered, and the command waits for that')
    .option('--no-wait', 'do not wait')
    .addOption(clusterOption)
    .addOption(namespaceOption)
    .addOption(contextOption)
    .addOption(kubeconfigOption)
    .action(async (names: string[], _flags: unknown, command: Command) => {
      const { wait, ...flags } = command.optsWithGlobals<ClusterFlags & { readonly wait: boolean }>();
      const connection = connect(flags);
      for (const name of names) await abort(connection, name);
      for (const name of wait ? names : []) out.write(`${name}: ${await ended(connection, name, clock)}\n`);
      done(exitCodes.held);
    });
}

/** `get` of a cluster: one experiment, or all of a namespace or of the cluster. */
export async function getExperiments(
  name: string | undefined,
  flags: GetFlags,
  surroundings: Surroundings,
): Promise<void> {
  const { out, err, clock } = surroundings;
  const connection = connectCluster(flags, surroundings);
  tellPlace(err, connection);
  const { client, namespace } = connection;
  const objects =
    name === undefined
      ? (await client.list(chaosExperiments, flags.allNamespaces === true ? {} : { namespace })).items
      : [await find(connection, name)];
  if (flags.output === 'json') {
    out.write(`${JSON.stringify(name === undefined ? objects : objects[0], null, 2)}\n`);
    return;
  }
  const where = flags.allNamespaces === true ? 'in the cluster' : `in the namespace ${namespace}`;
  out.write(`${objects.length === 0 ? `no experiments ${where}` : listTable(objects, clock.now())}\n`);
}

async function find({ client, namespace }: Connection, name: string): Promise<ExperimentObject> {
  const object = await client.get(chaosExperiments, { namespace, name });
  if (object !== undefined) return object;
  const message = `there is no experiment ${name} in the namespace ${namespace}`;
  throw new ChaosError('NOT_FOUND', `${message}; get --cluster -A lists those of all namespaces`);
}

async function abort(connection: Connection, name: string): Promise<void> {
  const object = await find(connection, name);
  if (isFinal(statusOf(object))) return;
  await requestAbort(connection.client, { namespace: connection.namespace, name });
}

/** The phase in which the experiment has ended. */
async function ended({ client, namespace }: Connection, name: string, clock: Clock): Promise<string> {
  return (await untilEnded(client, { namespace, name }, clock)) ?? 'deleted';
}

function listTable(objects: readonly ExperimentObject[], now: number): string {
  const rows = objects.map((object) => {
    const { metadata, status } = object;
    const { action, duration } = wanted(object);
    const { counts } = status ?? {};
    const reached = counts === undefined ? '' : `${counts.injected + counts.recovered}/${counts.targets}`;
    const age = now - Date.parse(metadata.creationTimestamp ?? '');
    return [
      metadata.namespace ?? '',
      metadata.name,
      action,
      status?.phase ?? '',
      status?.verdict ?? '',
      reached,
      status?.verified ?? '',
      duration,
      roughly(age),
    ];
  });
  return table(['NAMESPACE', 'NAME', 'ACTION', 'PHASE', 'VERDICT', 'TARGETS', 'VERIFIED', 'DURATION', 'AGE'], rows);
}

/** Action and duration, also of an object that we do not understand. */
function wanted({ apiVersion, kind, metadata, spec }: ExperimentObject): {
  readonly action: string;
  readonly duration: string;
} {
  try {
    const parsed = parseExperiment({ apiVersion, kind, metadata, spec }, 'cluster').spec;
    return { action: parsed.action.type, duration: formatDuration(parsed.duration) };
  } catch {
    return { action: '?', duration: '' };
  }
}

function description(object: ExperimentObject): string {
  const { metadata, status } = object;
  const { action, duration } = wanted(object);
  const lines: [string, string][] = [
    ['name', `${metadata.namespace ?? ''}/${metadata.name}`],
    ['action', action],
    ['duration', duration],
    ['created', metadata.creationTimestamp ?? ''],
    ['started', status?.startedAt ?? ''],
    ['effective', status?.effectiveAt ?? ''],
    ['recovering', status?.recoveringAt ?? ''],
    ['ended', status?.endedAt ?? ''],
    ['verdict', status?.verdict ?? ''],
    ['verified', status?.verified ?? ''],
  ];
  const shown = lines.filter(([, value]) => value !== '').map(([key, value]) => `${key.padEnd(11)} ${value}`);
  const { counts, targets = [] } = status ?? {};
  const more =
    counts !== undefined && counts.targets > targets.length
      ? [`… and ${counts.targets - targets.length} more targets`]
      : [];
  return [...shown, report(statusOf(object)), ...more].join('\n');
}
