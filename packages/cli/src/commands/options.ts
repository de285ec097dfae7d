/** Flags that several commands share, and what they become. */
import { createLogger, systemClock, type Clock, type Logger } from '@chaosplane/common';
import { Option, type Command } from 'commander';
import type { Interrupt } from './interrupted.ts';

/** Said to the daemon of this node and to an engine in this process alike. */
export { engineOption, runtimeOption, socketOption, stateDirOption } from '@chaosplane/daemon/flags';

/** What a command gets from its surroundings: only main.ts reads them. */
export interface Surroundings {
  /** What its user types. */
  readonly calledAs: 'chaosplane' | 'kubectl chaosplane';
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  readonly clock: Clock;
  /** Aborts with an `Interrupted` when the user asks to end: Ctrl-C, SIGTERM, SIGHUP. */
  readonly interrupted: AbortSignal;
  /**
   * Calls `leave` at each further signal, until it is disposed. For commands of which nothing is in force on this machine: the others
   * undo first, and a signal does not end that.
   */
  readonly leaving: (leave: (signal: Interrupt) => void) => Disposable;
  /** Where built things are kept between runs. */
  readonly cacheFolder: string;
  /** The files that KUBECONFIG lists; none where it is not set. */
  readonly kubeconfigs: readonly string[];
  /** The API server of the cluster whose pod this is. */
  readonly apiServer?: string;
}

/** Whether it is a plugin of kubectl: then everything is about a cluster. */
export function isPlugin({ calledAs }: Pick<Surroundings, 'calledAs'>): boolean {
  return calledAs !== 'chaosplane';
}

/** Adds flags that are about this machine and its daemon, which a plugin of kubectl has none of. */
export function addMachineOptions(
  command: Command,
  surroundings: Pick<Surroundings, 'calledAs'>,
  ...options: readonly Option[]
): Command {
  if (!isPlugin(surroundings)) for (const option of options) command.addOption(option);
  return command;
}

/** The clock of the machine, for main.ts. */
export const machineClock = systemClock;

/** Flags of commands that talk to a daemon. */
export interface DaemonFlags {
  readonly socket: string;
  readonly verbose?: boolean;
}

/** Flags of commands that may start an engine in this process. */
export interface EngineFlags extends DaemonFlags {
  readonly stateDir: string;
  readonly runtimeEndpoint?: string;
  readonly networkEngine: 'auto' | 'netem' | 'tap' | 'queue';
}

export const outputOption = new Option('-o, --output <format>', 'how results are printed')
  .choices(['text', 'json'])
  .default('text');

/** The log of an engine in this process: quiet, unless asked. */
export function engineLogger({ verbose = false }: { readonly verbose?: boolean }): Logger {
  return createLogger({ level: verbose ? 'debug' : 'warn', pretty: true });
}

/** What a connection needs of the flags. */
export function connectionOptions(flags: EngineFlags): Pick<
  EngineFlags,
  'stateDir' | 'runtimeEndpoint' | 'networkEngine'
> & {
  readonly socketPath: string;
  readonly logger: Logger;
} {
  const { socket: socketPath, stateDir, runtimeEndpoint, networkEngine } = flags;
  const endpoint = runtimeEndpoint === undefined ? {} : { runtimeEndpoint };
  return { socketPath, stateDir, networkEngine, ...endpoint, logger: engineLogger(flags) };
}
