/** `chaosplane run` with a cluster: the experiments and workflows of a file, one after another, through its operator. */
import type { ExperimentObject, ExperimentStatus } from '@chaosplane/api';
import { applyRun, experimentRuns, followRun, statusOf } from '@chaosplane/client';
import {
  changesOf,
  isExperiment,
  meansRuns,
  readDocuments,
  type ExperimentDocument,
  type FileFlags,
} from '../documents.ts';
import type { Surroundings } from '../commands/options.ts';
import { createProgress } from '../output/progress.ts';
import { tellExplained } from '../output/explanation.ts';
import { tellTimetable } from '../output/timetable.ts';
import { exitCodeOf, worstOf } from '../output/verdict.ts';
import { connectCluster, FIELD_MANAGER, tellPlace, type ClusterFlags, type Connection } from './connect.ts';
import { explainOnCluster } from './explain.ts';
import { endWhenInterrupted } from './waiting.ts';
import { runWorkflowOnCluster } from './workflow.ts';

/** Flags of `run` that mean something on a cluster. */
export interface ClusterRunFlags extends ClusterFlags, FileFlags {
  readonly output: 'text' | 'json';
  readonly dryRun?: boolean;
  readonly now?: boolean;
  readonly resume?: boolean;
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
  const documents = await readDocuments(file, {
    place: 'cluster',
    stdin: surroundings.stdin,
    changes,
    ...meansRuns(flags),
  });
  const exitCodes: number[] = [];
  for (const one of documents) {
    if (one.schedule !== undefined && flags.dryRun === true) tellTimetable(one.schedule, flags, surroundings);
    exitCodes.push(
      isExperiment(one)
        ? exitCodeOf(await (flags.dryRun === true ? explain : runOne)(one, flags, connection, surroundings))
        : await runWorkflowOnCluster(one, flags, connection, surroundings),
    );
    if (surroundings.interrupted.aborted) break;
  }
  return worstOf(exitCodes);
}

async function explain(
  one: ExperimentDocument,
  flags: ClusterRunFlags,
  connection: Connection,
  surroundings: Surroundings,
): Promise<ExperimentStatus> {
  return tellExplained(await explainOnCluster(one, connection, surroundings), flags, surroundings);
}

async function runOne(
  { document, experiment }: ExperimentDocument,
  { output }: ClusterRunFlags,
  { client }: Connection,
  surroundings: Surroundings,
): Promise<ExperimentStatus> {
  const { clock, out, interrupted } = surroundings;
  const progress = createProgress({ experiment, clock, out, format: output });
  const say = (line: string): void => progress.say(line);
  const { metadata } = experiment;
  const application = { client, clock, metadata, document, fieldManager: FIELD_MANAGER, signal: interrupted, say };
  const applied = await applyRun(experimentRuns, application);
  const sentence = 'ending the experiment; the operator recovers everything first …';
  using ending = endWhenInterrupted(experimentRuns, applied, { sentence, say, surroundings });
  const { leave, onAsked } = ending;
  const onChange = (object: ExperimentObject): void => {
    ending.set(object);
    progress.status(statusOf(object));
  };
  const following = { client, clock, abort: interrupted, onAsked, leave, onChange, say };
  const status = statusOf(await followRun(experimentRuns, following, applied));
  progress.result(status);
  return status;
}
