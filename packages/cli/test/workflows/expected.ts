/** Workflows that are run on one machine and on a cluster alike, and how each of them ends. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A step when it is over. */
interface StepEnd {
  readonly phase: string;
  /** How often it began. */
  readonly attempts: number;
  readonly verdict?: string;
  readonly value?: boolean;
}

/** How a workflow ends. */
export interface WorkflowEnd {
  readonly phase: string;
  readonly verdict: string;
  /** Of `chaosplane run`. */
  readonly exitCode: number;
  /** By their ids: `nested/first` is a part of `nested`. */
  readonly steps: Readonly<Record<string, StepEnd>>;
  /** Of each two, the first one is over when the second one begins. */
  readonly begins: readonly (readonly [over: string, begun: string])[];
  /** Of each two, the first one is over when the second one is. */
  readonly ends: readonly (readonly [first: string, second: string])[];
}

const succeeded = { phase: 'Succeeded', attempts: 1 };
const skipped = { phase: 'Skipped', attempts: 0 };
const failed = { phase: 'Failed', attempts: 1 };
/** Experiments that were ended before their time. */
const aborted = { phase: 'Aborted', attempts: 1, verdict: 'Inconclusive' };
/** The workflow had ended before it could begin. */
const unbegun = { phase: 'Pending', attempts: 0 };

/** Run with the parameter `latency`. Its last experiment does not pass its steady state, at either try. */
export const everyKind: WorkflowEnd = {
  ...{ phase: 'Failed', verdict: 'Inconclusive', exitCode: 2 },
  steps: {
    slow: { ...succeeded, verdict: 'Held' },
    held: { ...succeeded, value: true },
    refuted: { ...succeeded, value: false },
    behind: skipped,
    both: succeeded,
    'both/left': { ...succeeded, verdict: 'Held' },
    'both/right': succeeded,
    nested: succeeded,
    'nested/first': succeeded,
    'nested/second': succeeded,
    people: succeeded,
    unwanted: skipped,
    odd: failed,
    onward: succeeded,
    long: aborted,
    stubborn: { phase: 'Failed', attempts: 2, verdict: 'Inconclusive' },
    never: unbegun,
    'onExit/tidy': succeeded,
  },
  begins: [
    ['slow', 'held'],
    ['slow', 'refuted'],
    ['held', 'both/left'],
    ['held', 'both/right'],
    ['both/left', 'nested/first'],
    ['both/right', 'nested/first'],
    ['nested/first', 'nested/second'],
    ['nested/second', 'people'],
    ['people', 'odd'],
    ['odd', 'onward'],
    ['odd', 'long'],
    ['onward', 'stubborn'],
    ['long', 'onExit/tidy'],
    ['stubborn', 'onExit/tidy'],
  ],
  ends: [
    ['both/left', 'both'],
    ['nested/second', 'nested'],
    ['stubborn', 'long'],
  ],
};

/** What is in force recovers from the last to the first. */
export const rollback: WorkflowEnd = {
  ...{ phase: 'Failed', verdict: 'Inconclusive', exitCode: 2 },
  steps: {
    first: aborted,
    pause: succeeded,
    second: aborted,
    again: succeeded,
    odd: failed,
    never: unbegun,
    'onExit/tidy': succeeded,
  },
  begins: [
    ['pause', 'second'],
    ['again', 'odd'],
    ['first', 'onExit/tidy'],
  ],
  ends: [
    ['odd', 'second'],
    ['second', 'first'],
  ],
};

/** A workflow of this folder, as text. @param url Where the pods of `app: web` answer over HTTP. */
export async function workflowFile(name: 'every-kind' | 'rollback', url: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, `${name}.yaml`), 'utf8');
  return text.replaceAll('http://web.test/', url);
}
