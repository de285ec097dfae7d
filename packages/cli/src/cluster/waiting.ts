/** Waits for the operator: what a command tells meanwhile, and how it leaves before the end. */
import type { WorkflowObject, ExperimentObject } from '@chaosplane/api';
import type { Runs } from '@chaosplane/client';
import { formatDuration, type Clock, type Timer } from '@chaosplane/common';
import { Interrupted, interruptOf, type Interrupt } from '../commands/interrupted.ts';
import type { Surroundings } from '../commands/options.ts';

/** What takes longer is told, and told again. Milliseconds. */
const TOLD_AFTER_MS = 2000;
const TOLD_AGAIN_MS = 5000;
/** Without a change for so long, the operator is probably not there. Milliseconds. */
const SILENT_MS = 15_000;
/** How long a `run` that was interrupted waits for the end. Milliseconds. */
const PATIENCE_MS = 60_000;

const IS_IT_THERE = 'is the operator installed and running? kubectl get pods -n chaosplane';

/** Tells what is waited for: after two seconds, then at each change and every five seconds. */
export interface Told extends Disposable {
  /** What is waited for now. */
  readonly set: (words: string) => void;
}

export function tellWaiting(clock: Clock, say: (line: string) => void): Told {
  let words = 'the API server does not answer';
  let changedAt = clock.monotonic();
  let isTold = false;
  let timer: Timer;
  const tell = (): void => {
    isTold = true;
    const silent = clock.monotonic() - changedAt >= SILENT_MS && !words.endsWith(IS_IT_THERE);
    say(`waiting: ${words}${silent ? `; nothing changes: ${IS_IT_THERE}` : ''}`);
    timer = clock.after(TOLD_AGAIN_MS, tell);
  };
  timer = clock.after(TOLD_AFTER_MS, tell);
  return {
    set(now) {
      if (now === words) return;
      words = now;
      changedAt = clock.monotonic();
      if (!isTold) return;
      timer.cancel();
      tell();
    },
    [Symbol.dispose]: () => timer.cancel(),
  };
}

/** What the end of one waits for, whose abort is asked for. */
export function waitsFor<T extends ExperimentObject | WorkflowObject>(runs: Runs<T>, object: T): string {
  const { name } = object.metadata;
  const phase = runs.phaseOf(object);
  if (!runs.isEnding(object)) {
    const seen = phase === undefined ? 'has not looked at it' : `has not begun to end it (it is ${phase})`;
    return `${name}: the operator ${seen}: ${IS_IT_THERE}`;
  }
  const { status } = object;
  const stuck = status?.conditions?.find(({ type, status: value }) => type === 'Stuck' && value === 'True');
  const targets = status !== undefined && 'targets' in status ? (status.targets ?? []) : [];
  const left = targets.filter(({ state }) => state === 'Injected').length;
  const why = stuck === undefined ? (left === 0 ? [] : [`${left} not recovered yet`]) : [stuck.message];
  return [`${name}: ${phase ?? ''}`, ...why].join(': ');
}

/** One on a cluster, as people look for it. */
interface Named {
  readonly word: string;
  readonly name: string;
  readonly namespace: string;
}

/** What a command says that leaves one to the operator. */
export function leftWords({ word, name, namespace }: Named, calledAs: string, isAsked = true): string {
  const ref = `${name} -n ${namespace}`;
  return isAsked
    ? `not waiting any more: the abort of the ${word} ${name} is asked for and goes on in the cluster; ${calledAs} describe ${ref} tells how far it is`
    : `not waiting any more: the abort of the ${word} ${name} is not asked for yet, so it goes on; ${calledAs} abort ${ref} ends it`;
}

/** What `run` does with one on a cluster when its user interrupts it. */
export interface Ending<T> extends Disposable {
  /** Aborts when the command leaves: at a second signal, or when the end takes too long. */
  readonly leave: AbortSignal;
  readonly onAsked: () => void;
  /** How it is now. */
  readonly set: (object: T) => void;
}

/** `sentence` is told at the first signal. */
export function endWhenInterrupted<T extends ExperimentObject | WorkflowObject>(
  runs: Runs<T>,
  applied: T,
  { sentence, say, surroundings }: { sentence: string; say: (line: string) => void; surroundings: Surroundings },
): Ending<T> {
  const { clock, interrupted, leaving, calledAs } = surroundings;
  const { name, namespace = '' } = applied.metadata;
  const leave = new AbortController();
  const held = new DisposableStack();
  let latest = applied;
  let told: Told | undefined;
  let isAsked = false;
  const go = (signal: Interrupt, why = ''): void =>
    leave.abort(new Interrupted(signal, why + leftWords({ word: runs.word, name, namespace }, calledAs, isAsked)));
  const begin = (): void => {
    say(sentence);
    told = held.use(tellWaiting(clock, say));
    held.use(leaving(go));
    const late = (): void => go(interruptOf(interrupted), `not ended within ${formatDuration(PATIENCE_MS)}; `);
    held.adopt(clock.after(PATIENCE_MS, late), (timer) => timer.cancel());
  };
  const show = (): void => {
    if (isAsked) told?.set(waitsFor(runs, latest));
  };
  interrupted.addEventListener('abort', begin, { once: true });
  held.defer(() => interrupted.removeEventListener('abort', begin));
  if (interrupted.aborted) begin();
  return {
    leave: leave.signal,
    onAsked() {
      isAsked = true;
      show();
    },
    set(object) {
      latest = object;
      show();
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}
