/** `chaosplane run` with a cluster: the experiments of a file, one after another, through its operator. */
import type { ExperimentStatus } from '@chaosplane/api';
import { applyExperiment, followExperiment } from '@chaosplane/client';
import { changesOf, meansRuns, readExperiments, type ExperimentDocument, type FileFlags } from '../documents.ts';
import type { Surroundings } from '../commands/options.ts';
import { createProgress } from '../output/progress.ts';
import { tellExplained } from '../output/explanation.ts';
import { tellTimetable } from '../output/timetable.ts';
import { exitCodeOf, worstOf } from '../output/verdict.ts';
import { connectCluster, FIELD_MANAGER, tellPlace, type ClusterFlags, type Connection } from './connect.ts';
import { explainOnCluster } from './explain.ts';

/** Flags of `run` that mean something on a cluster. */
export interface ClusterRunFlags extends ClusterFlags, FileFlags {
  readonly output: 'text' | 'json';
  readonly dryRun?: boolean;
  readonly now?: boolean;
}

/** Resolves with the exit code: the worst of all. */
export async function runFileOnCluster(
  file: string,
  flags: ClusterRunFlags,
  surroundings: Surroundings,
): Promise<number> {
  const connection = connectCluster(flags, surroundings);
  tellPlace(surroundings.err, connection);
  const changes = { ...changesOf(flags), defaultNamespace: connection.namespace };
  const documents = await readExperiments(file, {
    place: 'cluster',
    stdin: surroundings.stdin,
    changes,
    ...meansRuns(flags),
  });
  const exitCodes: number[] = [];
  for (const one of documents) {
    if (one.schedule !== undefined && flags.dryRun === true) tellTimetable(one.schedule, flags, surroundings);
    const status =
      flags.dryRun === true
        ? tellExplained(await explainOnCluster(one, connection, surroundings), flags, surroundings)
        : await runOne(one, flags, connection, surroundings);
    exitCodes.push(exitCodeOf(status));
    if (surroundings.interrupted.aborted) break;
  }
  return worstOf(exitCodes);
}

async function runOne(
  { document, experiment }: ExperimentDocument,
  { output }: ClusterRunFlags,
  { client }: Connection,
  { clock, out, interrupted }: Surroundings,
): Promise<ExperimentStatus> {
  const progress = createProgress({ experiment, clock, out, format: output });
  const tell = (): void => progress.say('ending the experiment; the operator recovers everything first …');
  interrupted.addEventListener('abort', tell, { once: true });
  try {
    const say = (line: string): void => progress.say(line);
    const applied = await applyExperiment({ client, experiment, document, fieldManager: FIELD_MANAGER, say });
    const onStatus = (current: ExperimentStatus): void => progress.status(current);
    const status = await followExperiment({ client, clock, abort: interrupted, onStatus, say }, applied);
    progress.result(status);
    return status;
  } finally {
    interrupted.removeEventListener('abort', tell);
  }
}
