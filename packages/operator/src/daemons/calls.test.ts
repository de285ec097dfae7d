/** Calls that go on by themselves: who is waited for, for how long, and who is woken. */
import { beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { ClientError, Status } from 'nice-grpc';
import { createCalls, type Call, type Calls } from './calls.ts';
import { trackUnresponsive, howItEnded, PATIENCE_MS } from './unresponsive.ts';

let woken: number;
let calls: Calls;
/** Calls do not wait for these nodes. */
let silent: Set<string>;

beforeEach(() => {
  woken = 0;
  silent = new Set();
  calls = createCalls({ clock: systemClock, wake: () => (woken += 1) });
});

/** A call whose answer is given by hand. */
function ask(node: string): { call: Call<string>; answer: (value: string) => void; started: () => number } {
  let started = 0;
  let answer: (value: string) => void = () => undefined;
  const call = calls.start(`list ${node}`, {
    isUnresponsive: () => silent.has(node),
    run: () => {
      started += 1;
      return new Promise<string>((resolve) => (answer = resolve));
    },
  });
  return { call, answer: (value) => answer(value), started: () => started };
}
const soon = () => systemClock.sleep(0);
const over = (ms: number, waited: Promise<void>): Promise<boolean> =>
  Promise.race([waited.then(() => true), systemClock.sleep(ms).then(() => false)]);
const LONG_MS = 60_000;

test('some: one answer is enough, and who answers later wakes', async () => {
  const [n1, n2] = [ask('n1'), ask('n2')];
  const waited = calls.wait([n1.call, n2.call], 'some', LONG_MS);
  await soon();
  n1.answer('well');
  await waited;
  expect([n1.call.answer, n2.call.answer]).toEqual([{ value: 'well' }, undefined]);
  expect(calls.take('list ')).toEqual(new Map([['n1', { value: 'well' }]]));
  expect(woken).toBe(0);
  n2.answer('late');
  await n2.call.settled;
  expect(woken).toBe(1);
  expect(calls.take('list ')).toEqual(new Map([['n2', { value: 'late' }]]));
  expect(calls.take('list ').size).toBe(0);
});

test('all: each is waited for, but for those that are silent', async () => {
  silent.add('n3');
  const [n1, n2, n3] = [ask('n1'), ask('n2'), ask('n3')];
  const waited = calls.wait([n1.call, n2.call, n3.call], 'all', LONG_MS);
  await soon();
  n1.answer('a');
  expect(await over(100, waited)).toBe(false);
  n2.answer('b');
  await waited;
  expect(n3.call.answer).toBeUndefined();
});

test('silent ones only: nothing is waited for, and their answer wakes', async () => {
  silent.add('n1');
  const n1 = ask('n1');
  await calls.wait([n1.call], 'some', LONG_MS);
  n1.answer('at last');
  await n1.call.settled;
  expect(woken).toBe(1);
});

test('hurry ends a wait, and the next one waits again', async () => {
  const n1 = ask('n1');
  const waited = calls.wait([n1.call], 'all', LONG_MS);
  calls.hurry();
  await waited;
  const again = calls.wait([n1.call], 'all', LONG_MS);
  expect(await over(50, again)).toBe(false);
  n1.answer('x');
  await again;
});

test('a call of the same key is the one that is under way; one that is taken back is told of no more', async () => {
  const first = ask('n1');
  await soon();
  const second = ask('n1');
  expect(second.call).toBe(first.call);
  expect([first.started(), second.started()]).toEqual([1, 0]);
  expect(calls.underWay('list ')).toEqual(['list n1']);
  await calls.wait([first.call], 'all', 1);
  calls.stop('list ');
  first.answer('too late');
  await first.call.settled;
  expect([calls.take('list ').size, woken]).toEqual([0, 0]);
});

test('what the last call of a key came to is known while the next one is under way, until that has ended or is taken back', async () => {
  const first = ask('n1');
  expect(calls.last('list n1')).toBeUndefined();
  await soon();
  first.answer('one');
  await first.call.settled;
  const second = ask('n1');
  expect(calls.last('list n1')).toEqual({ value: 'one' });
  await soon();
  second.answer('two');
  await second.call.settled;
  expect(calls.last('list n1')).toEqual({ value: 'two' });
  calls.stop('list ');
  expect(calls.last('list n1')).toBeUndefined();
});

test('an error is an answer', async () => {
  const why = new Error('refused');
  const call = calls.start('x', { isUnresponsive: () => false, run: () => Promise.reject(why) });
  await calls.wait([call], 'all');
  expect(call.answer).toEqual({ error: why });
});

test('a node is silent while a call waits for long, and after one that got no answer, until it answers', () => {
  let now = 0;
  const silence = trackUnresponsive({ monotonic: () => now });
  const first = silence.asked('n1');
  now += PATIENCE_MS - 1;
  expect(silence.isUnresponsive('n1')).toBe(false);
  const second = silence.asked('n1');
  now += 1;
  expect([silence.isUnresponsive('n1'), silence.isUnresponsive('n2')]).toEqual([true, false]);
  first.ended('unanswered');
  expect(silence.isUnresponsive('n1')).toBe(true);
  second.ended('unheard');
  expect(silence.isUnresponsive('n1')).toBe(true);
  silence.asked('n1').ended('answered');
  expect(silence.isUnresponsive('n1')).toBe(false);
});

test.each([
  ['a refusal', new ClientError('/x', Status.NOT_FOUND, ''), AbortSignal.any([]), 'answered'],
  ['a server that gave up', new ClientError('/x', Status.DEADLINE_EXCEEDED, ''), AbortSignal.any([]), 'unanswered'],
  ['no connection', new ClientError('/x', Status.UNAVAILABLE, ''), AbortSignal.any([]), 'unheard'],
  ['our time was up', new Error('aborted'), AbortSignal.abort(new DOMException('late', 'TimeoutError')), 'unanswered'],
  ['it was taken back', new Error('aborted'), AbortSignal.abort(), 'unheard'],
])('what an error says of the node: %s', (_what, error, signal, expected) => {
  expect(howItEnded(error, signal)).toBe(expected);
});
