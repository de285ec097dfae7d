/** Laws of the waiting room of the queue backend. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WaitingRoom } from './waiting.ts';

function takeAll(room: WaitingRoom<number>, now: number): number[] {
  const taken: number[] = [];
  for (let next = room.takeDue(now); next !== undefined; next = room.takeDue(now)) taken.push(next);
  return taken;
}

describe('packets that wait', () => {
  test('leave in the order in which they are due, and in the order of arrival when due together', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (dues) => {
        const room = new WaitingRoom<number>();
        dues.forEach((due, index) => {
          room.add(due, index);
        });
        const expected = dues.map((due, index) => ({ due, index })).sort((a, b) => a.due - b.due || a.index - b.index);
        expect(takeAll(room, 20)).toEqual(expected.map(({ index }) => index));
        expect(room.size).toBe(0);
      }),
    );
  });

  test('stay while they are not due', () => {
    const room = new WaitingRoom<number>();
    [30, 10, 20].forEach((due) => {
      room.add(due, due);
    });
    expect(room.nextDue).toBe(10);
    expect(takeAll(room, 20)).toEqual([10, 20]);
    expect(room.nextDue).toBe(30);
    expect(takeAll(room, 29.9)).toEqual([]);
  });
});
