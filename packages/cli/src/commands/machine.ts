/** What experiments and workflows are run with on this machine, and what one experiment would do there. */
import type { ChaosExperiment } from '@chaosplane/api';
import type { ContainerRuntime } from '@chaosplane/daemon';
import type { ClusterFlags } from '../cluster/connect.ts';
import { tellExplained } from '../output/explanation.ts';
import { exitCodeOf } from '../output/verdict.ts';
import type { DaemonConnection } from '../standalone/daemon-connection.ts';
import { previewExperiment } from '../standalone/run.ts';
import type { EngineFlags, Surroundings } from './options.ts';

/** Flags of `run`. */
export interface RunFlags extends EngineFlags, ClusterFlags {
  readonly output: 'text' | 'json';
  readonly dryRun?: boolean;
  readonly now?: boolean;
  readonly duration?: string;
  readonly parameter?: readonly string[];
  readonly resume?: boolean;
}

/** What an experiment is run with. */
export interface Machine {
  readonly connection: DaemonConnection;
  readonly runtime: ContainerRuntime;
  readonly surroundings: Surroundings;
}

/** Tells what it would do. */
export async function plan(
  experiment: ChaosExperiment,
  { output }: Pick<RunFlags, 'output'>,
  { connection, runtime, surroundings }: Machine,
): Promise<number> {
  const { clock, interrupted: abort } = surroundings;
  const status = await previewExperiment({ experiment, client: connection.client, runtime, clock, abort });
  return exitCodeOf(tellExplained({ experiment, status, place: 'machine' }, { output }, surroundings));
}
