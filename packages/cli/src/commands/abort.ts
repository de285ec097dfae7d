/** `chaosplane abort`: ends experiments and workflows of a cluster, and waits for that as long as its user wants. */
import { ChaosError, parseDuration } from '@chaosplane/common';
import { experimentRuns, requestAbort, untilEnded, workflowRuns, type Runs } from '@chaosplane/client';
import type { ExperimentObject, WorkflowObject } from '@chaosplane/api';
import { refOf } from '@chaosplane/kube';
import type { Command } from 'commander';
import {
  addClusterOptions,
  connectCluster,
  tellPlace,
  type ClusterFlags,
  type Connection,
} from '../cluster/connect.ts';
import { findRun, type Found } from '../cluster/find.ts';
import { leftWords, tellWaiting, waitsFor } from '../cluster/waiting.ts';
import { exitCodes } from '../output/verdict.ts';
import { Interrupted, interruptOf } from './interrupted.ts';
import type { Surroundings } from './options.ts';

/** As the user has called it. */
type Named = Found & { readonly called: string };

type Flags = ClusterFlags & { readonly wait: boolean; readonly timeout: string };

export function addAbort(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  addClusterOptions(
    program
      .command('abort <name...>')
      .description(
        'end experiments and workflows of the cluster now; everything is recovered, and the command waits for that',
      )
      .option('--no-wait', 'do not wait')
      .option('--timeout <duration>', 'how long to wait; the abort goes on after that', '5m'),
  )
    .addHelpText(
      'after',
      '\nExit code: 0 all have ended; 3 the abort is asked for and one has not ended within --timeout; 130 or 143 after Ctrl-C or\n' +
        'SIGTERM, which end the wait and not the abort.\n',
    )
    .action(async (names: string[], _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      const timeout = parseDuration(flags.timeout);
      if (!timeout.ok)
        throw new ChaosError('INVALID_ARGUMENT', `--timeout: ${timeout.wrong}; allowed: ${timeout.allowed}`);
      const connection = connectCluster(flags, surroundings);
      tellPlace(surroundings.err, connection);
      const { interrupted: signal } = surroundings;
      const find = async (called: string): Promise<Named> => ({
        called,
        ...(await findRun(connection, called, { signal })),
      });
      const found = await Promise.all(names.map(find));
      for (const one of found) await asked(one, connection, signal);
      done(flags.wait ? await allEnded(found, { timeoutMs: timeout.value, connection, surroundings }) : exitCodes.held);
    });
}

async function asked({ word, object }: Found, { client }: Connection, signal: AbortSignal): Promise<void> {
  if (word === 'workflow') {
    if (!workflowRuns.isOver(object)) await requestAbort(client, workflowRuns, refOf(object), signal);
  } else if (!experimentRuns.isOver(object)) await requestAbort(client, experimentRuns, refOf(object), signal);
}

interface Wait {
  readonly timeoutMs: number;
  readonly connection: Connection;
  readonly surroundings: Surroundings;
}

/** The reason of a wait that has taken as long as it may. */
const LATE = Symbol('late');

/** Tells of each how it has ended; resolves with the exit code. */
async function allEnded(found: readonly Named[], { timeoutMs, connection, surroundings }: Wait): Promise<number> {
  const { out, clock, interrupted, calledAs } = surroundings;
  const end = new AbortController();
  const late = clock.after(timeoutMs, () => end.abort(LATE));
  const signal = AbortSignal.any([interrupted, end.signal]);
  try {
    const ends = await Promise.allSettled(found.map((one) => ended(one, { connection, surroundings, signal })));
    for (const [index, one] of ends.entries())
      if (one.status === 'fulfilled') out.write(`${found[index]?.called ?? ''}: ${one.value}\n`);
    if (ends.every(({ status }) => status === 'fulfilled')) return exitCodes.held;
    for (const one of ends) if (one.status === 'rejected' && one.reason !== signal.reason) throw one.reason;
    if (interrupted.aborted) throw new Interrupted(interruptOf(interrupted), leaving(found, ends, calledAs));
    out.write(`not ended within --timeout; ${leaving(found, ends, calledAs)}\n`);
    return exitCodes.inconclusive;
  } finally {
    late.cancel();
  }
}

function leaving(
  found: readonly Found[],
  ends: readonly PromiseSettledResult<string>[],
  calledAs: Surroundings['calledAs'],
): string {
  const lines = found.flatMap(({ word, object: { metadata } }, index) => {
    const { name, namespace = '' } = metadata;
    return ends[index]?.status === 'fulfilled' ? [] : [leftWords({ word, name, namespace }, calledAs)];
  });
  return lines.join('\n');
}

/** The phase in which it has ended. */
async function ended(
  { word, object }: Found,
  { connection, surroundings, signal }: Pick<Wait, 'connection' | 'surroundings'> & { readonly signal: AbortSignal },
): Promise<string> {
  const { clock, err } = surroundings;
  using told = tellWaiting(clock, (line) => err.write(`${line}\n`));
  const wait = <T extends ExperimentObject | WorkflowObject>(runs: Runs<T>): Promise<string | undefined> => {
    const onLook = (now: T): void => told.set(waitsFor(runs, now));
    return untilEnded(connection.client, runs, refOf(object), { clock, signal, onLook });
  };
  return (await (word === 'workflow' ? wait(workflowRuns) : wait(experimentRuns))) ?? 'deleted';
}
