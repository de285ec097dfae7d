/** However often its operators are killed, a workflow ends as it would have ended without. */
import { isNodeOver } from '@chaosplane/api';
import { expect, test } from '@jest/globals';
import { seededRandom } from '@chaosplane/common/pure';
import { play, plotOf, type Ended, type Plot } from './histories.ts';

/** `npm run test:long -- histories` plays more. */
const HISTORIES = Number(process.env['CHAOSPLANE_TEST_HISTORIES'] ?? 20_000);

/** What does not depend on when things happened. */
function gist({ state, made }: Ended) {
  const nodes = [...state.nodes].map(([id, { phase, attempt, result, isCut }]) => ({
    id,
    phase,
    attempt,
    result,
    isCut,
  }));
  return {
    phase: state.phase,
    nodes: nodes.toSorted((one, other) => (one.id < other.id ? -1 : 1)),
    made: [...made.keys()].toSorted(),
  };
}

function expectSound(seed: number, { graph }: Plot, { state, made, left }: Ended): void {
  const twice = [...made].filter(([, times]) => times !== 1);
  const exits = graph.exits.map((id) => state.nodes.get(id));
  const halfDone = [...state.nodes].filter(([, { phase }]) => phase === 'Running' || phase === 'Waiting');
  const isOver = ['Completed', 'Failed', 'Aborted'].includes(state.phase);
  const exitsOver = exits.every((exit) => exit !== undefined && isNodeOver(exit));
  if (isOver && twice.length + left.length + halfDone.length === 0 && exitsOver) return;
  expect({ seed, phase: state.phase, twice, left, halfDone, exits }).toEqual('sound');
}

test('with operators killed between any two writes, and late, doubled and lost events, it ends in the same state', () => {
  let kills = 0;
  for (let seed = 1; seed <= HISTORIES / 2; seed += 1) {
    const plot = plotOf({ seed, harsh: false });
    const calm = play(plot);
    expectSound(seed, plot, calm);
    const disturbed = play(plot, seededRandom(seed * 7 + 1));
    kills += disturbed.kills;
    expectSound(seed, plot, disturbed);
    if (JSON.stringify(gist(disturbed)) !== JSON.stringify(gist(calm)))
      expect({ seed, ...gist(disturbed) }).toEqual({ seed, ...gist(calm) });
  }
  expect(kills).toBeGreaterThan(HISTORIES / 4);
});

test('where steps or people end it, nothing is doubled, nothing stays in force, and what is done at the exit is done once', () => {
  for (let seed = 1; seed <= HISTORIES / 2; seed += 1) {
    const plot = plotOf({ seed, harsh: true });
    expectSound(seed, plot, play(plot, seededRandom(seed * 7 + 1)));
  }
});
