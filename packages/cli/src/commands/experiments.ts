/** `chaosplane describe`, and `get` of a cluster: the experiments and workflows of a cluster, for people. */
import { formatDuration, type Clock } from '@chaosplane/common';
import { parseExperiment, chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import type { Command } from 'commander';
import {
  addClusterOptions,
  connectCluster,
  tellPlace,
  type ClusterFlags,
  type Connection,
} from '../cluster/connect.ts';
import { findRun, listWorkflows, type Found } from '../cluster/find.ts';
import { stepsKnown } from '../cluster/workflow.ts';
import { statusOf } from '@chaosplane/client';
import { exitCodes } from '../output/verdict.ts';
import { report } from '../output/progress.ts';
import { roughly, table } from '../output/table.ts';
import { describeWorkflow, workflowTable } from '../output/workflow-report.ts';
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
  addClusterOptions(
    program
      .command('describe <name>')
      .description(
        'show one experiment of the cluster, with its conditions and the evidence of its targets, or one workflow with its steps',
      ),
  )
    .addOption(outputOption)
    .action(async (name: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GetFlags>();
      const connection = connect(flags);
      const found = await findRun(connection, name);
      out.write(
        flags.output === 'json'
          ? `${JSON.stringify(found.object, null, 2)}\n`
          : `${await described(found, connection, clock)}\n`,
      );
      done(exitCodes.held);
    });
}

/** `get` of a cluster: one by its name, or all of a namespace or of the cluster. */
export async function getExperiments(
  name: string | undefined,
  flags: GetFlags,
  surroundings: Surroundings,
): Promise<void> {
  const { out, err, clock } = surroundings;
  const connection = connectCluster(flags, surroundings);
  tellPlace(err, connection);
  const { client, namespace } = connection;
  const where = flags.allNamespaces === true ? {} : { namespace };
  const found = name === undefined ? undefined : await findRun(connection, name);
  if (found !== undefined && flags.output === 'json') {
    out.write(`${JSON.stringify(found.object, null, 2)}\n`);
    return;
  }
  const experiments =
    found === undefined
      ? (await client.list(chaosExperiments, where)).items
      : found.word === 'experiment'
        ? [found.object]
        : [];
  const workflows =
    found === undefined ? await listWorkflows(client, where) : found.word === 'workflow' ? [found.object] : [];
  if (flags.output === 'json') {
    out.write(`${JSON.stringify([...experiments, ...workflows], null, 2)}\n`);
    return;
  }
  const place = flags.allNamespaces === true ? 'in the cluster' : `in the namespace ${namespace}`;
  const tables = [
    ...(experiments.length === 0 ? [] : [listTable(experiments, clock.now())]),
    ...(workflows.length === 0 ? [] : [workflowTable(workflows, clock.now())]),
  ];
  out.write(`${tables.length === 0 ? `no experiments ${place}` : tables.join('\n\n')}\n`);
}

async function described(found: Found, { client }: Connection, clock: Clock): Promise<string> {
  if (found.word === 'experiment') return description(found.object);
  return describeWorkflow(found.object, await stepsKnown(client, found.object), clock.now());
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
