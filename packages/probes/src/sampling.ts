/** Probes that are asked again and again while an experiment runs: its samples, and its abort conditions. */
import type {
  AbortCondition,
  ExperimentSpec,
  ExperimentStatus,
  Probe,
  ProbeSamples,
  SampledProbe,
} from '@chaosplane/api';
import { countOf } from '@chaosplane/common';
import { noSamples, withSample, type ProbeOutcome, type Sample } from '@chaosplane/lifecycle';
import type { Prober } from './prober.ts';
import { once } from './run.ts';

/** Probes that are being asked. */
export interface Sampling {
  /** What the samples say by now, those of before included; the status tells to which part of the experiment each belongs. */
  collect(status: ExperimentStatus): readonly ProbeSamples[];
  /** Whether every abort condition has been asked at least one time. */
  readonly isGuarded: boolean;
  /** Why the experiment is to end; undefined while no abort condition says so, and once its recovery has begun: nothing is in force then. */
  abortOf(status: Pick<ExperimentStatus, 'recoveringAt'>): string | undefined;
  /** Ends it; idempotent. */
  stop(): void;
}

/** What is asked. */
type Asked = Pick<ExperimentSpec, 'steadyState' | 'abortConditions'>;

/** Whether there is anything to ask again and again. */
export function isSampled({ steadyState, abortConditions }: Asked): boolean {
  return steadyState.during.length + abortConditions.length > 0;
}

/**
 * Begins to ask.
 * @param known What an earlier process has written down of the same probes.
 * @param onAbort Is called one time, as soon as an abort condition wants the experiment to end.
 */
export function startSampling(
  { steadyState: { during }, abortConditions }: Asked,
  prober: Prober,
  { known = [], onAbort }: { readonly known?: readonly ProbeSamples[] | undefined; readonly onAbort: () => void },
): Sampling {
  const life = new AbortController();
  const own = { ...prober, signal: AbortSignal.any([prober.signal, life.signal]) };
  const taken: Sample[][] = during.map(() => []);
  let samples = during.map((probe, index) => known[index] ?? noSamples(nameOf(probe, index)));
  let abort: string | undefined;
  const asked = new Set<AbortCondition>();
  during.forEach((probe, index) => void sample(probe, own, (one) => taken[index]?.push(one)));
  for (const condition of abortConditions)
    void guard(condition, own, {
      onAsked: () => asked.add(condition),
      onAbort(why) {
        if (abort !== undefined) return;
        abort = why;
        onAbort();
      },
    });
  return {
    collect(status) {
      if (taken.every(({ length }) => length === 0)) return samples;
      samples = samples.map((before, index) =>
        (taken[index]?.splice(0) ?? []).reduce((all, one) => withSample(all, one, status), before),
      );
      return samples;
    },
    get isGuarded() {
      return asked.size === abortConditions.length;
    },
    abortOf: ({ recoveringAt }) => (recoveringAt === undefined ? abort : undefined),
    stop: () => life.abort(),
  };
}

function nameOf({ name, type }: SampledProbe, index: number): string {
  return name ?? `${type} ${index + 1}`;
}

/**
 * Samples begin at a fixed rate, also while earlier ones wait for their answer: were the next to wait for them, an outage would have
 * fewer samples than the time in which all is well. They are told in the order in which they began.
 */
async function sample(probe: SampledProbe, prober: Prober, onSample: (sample: Sample) => void): Promise<void> {
  // Its name stands in front of what is said of all its samples together.
  const { name: _name, ...nameless } = probe;
  const { clock, signal } = prober;
  const isOver = (): boolean => signal.aborted;
  let told = Promise.resolve();
  for (let due = clock.monotonic(); !isOver(); due = nextAfter(due, probe.interval, clock.monotonic())) {
    await clock.sleep(Math.max(0, due - clock.monotonic()), signal).catch(() => undefined);
    if (isOver()) return;
    const begunAt = clock.now();
    const outcome = take(nameless, prober);
    told = told.then(async () => {
      const one = await outcome;
      // What was taken back says nothing.
      if (!isOver()) onSample({ ...one, begunAt });
    });
  }
}

/** What would be asked too often is not asked, and so not known. */
async function take(probe: Probe, prober: Prober): Promise<ProbeOutcome> {
  if (prober.admits?.() !== false) return once(probe, prober);
  const name = probe.name === undefined ? '' : `${probe.name}: `;
  const message = `${name}the operator takes no more samples for this namespace in this second: choose longer intervals`;
  return { outcome: 'error', message, tookMs: 0 };
}

/** A process that was held up goes on in step, and does not catch up. */
function nextAfter(due: number, interval: number, now: number): number {
  return due + interval * Math.max(1, Math.ceil((now - due) / interval));
}

interface GuardListener {
  readonly onAsked: () => void;
  readonly onAbort: (why: string) => void;
}

/** One after the other: what counts is how many in a row do not pass. */
async function guard(condition: AbortCondition, prober: Prober, { onAsked, onAbort }: GuardListener): Promise<void> {
  const { clock, signal } = prober;
  const { interval, failures, onError } = condition;
  const isOver = (): boolean => signal.aborted;
  let inARow = 0;
  while (!isOver()) {
    const begun = clock.monotonic();
    const outcome = await take(condition, prober);
    if (isOver()) return;
    inARow = passes(outcome, onError) ? 0 : inARow + 1;
    if (inARow >= failures) {
      onAbort(wordsOf(outcome, inARow));
      return;
    }
    // One that does not pass, and may do so once more before it ends the experiment, keeps it from beginning.
    if (inARow === 0) onAsked();
    await clock.sleep(Math.max(0, begun + interval - clock.monotonic()), signal).catch(() => undefined);
  }
}

function passes({ outcome }: ProbeOutcome, onError: AbortCondition['onError']): boolean {
  return outcome === 'pass' || (outcome === 'error' && onError === 'Ignore');
}

function wordsOf({ outcome, message }: ProbeOutcome, inARow: number): string {
  const what = outcome === 'error' ? 'an abort condition could not be asked' : 'an abort condition failed';
  return inARow === 1 ? `${what}: ${message}` : `${what}, ${countOf(inARow, 'time')} in a row: ${message}`;
}
