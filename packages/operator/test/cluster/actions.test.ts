/** Every action of the catalogue, by each of its names, on a cluster: its effect is measured at its target, and all of it is undone. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { install, NAMESPACE, patient } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { drainTrials, fillNode } from './actions/drain.ts';
import { killedPods, killTrials } from './actions/kills.ts';
import { networkPods, networkTrials } from './actions/network.ts';
import { nodeTrials } from './actions/nodes.ts';
import { watchPhases } from './actions/phases.ts';
import { CALLER, TARGET_NODE } from './actions/places.ts';
import { requestPods, requestTrials } from './actions/requests.ts';
import { stressPods, stressTrials } from './actions/stress.ts';
import { everyName, knows, type Stage, type Trial } from './actions/trial.ts';

jest.setTimeout(400_000);

/** A name without a trial, aliases included, fails the first test. */
const trials: Readonly<Record<string, Trial>> = {
  ...networkTrials,
  ...requestTrials,
  ...stressTrials,
  ...killTrials,
  ...nodeTrials,
  ...drainTrials,
};

/** Those of one row are made side by side, each on a target of its own, and a row after the one before. */
const onTargets = [
  [...Object.keys(networkTrials), ...Object.keys(requestTrials)],
  [...Object.keys(stressTrials), ...Object.keys(killTrials)],
];
const onNode = [['node-taint'], ['node-drain']];
const last = [['node-restart']];

const stack = new AsyncDisposableStack();
const ended = new Map<string, Promise<void>>();

beforeAll(async () => {
  const shop = await install(['daemon.allowNodeRestart=true']);
  stack.defer(() => shop.close());
  await fillNode(shop);
  const names = [CALLER, ...networkPods, ...requestPods, ...stressPods, ...killedPods];
  await shop.addApps(...names.map((name) => ({ name, node: TARGET_NODE })));
  const phases = await watchPhases(shop.client, NAMESPACE);
  stack.defer(() => phases.stop());
  const stage: Stage = { shop, phases, callerIp: await shop.ipOf(CALLER) };
  await eventually('the nodes tell what they can do', () => knows(stage), patient);
  begin(stage);
}, 900_000);
afterAll(() => stack.disposeAsync(), 60_000);

/** Begins all trials; each test waits for its own. */
function begin(stage: Stage): void {
  const inRows = async (rows: readonly (readonly string[])[], before: Promise<unknown>): Promise<void> => {
    let previous = before;
    for (const row of rows) {
      const made = row.map((name) => {
        const trial = previous.then(() => trials[name]?.(stage, name));
        trial.catch(() => undefined);
        ended.set(name, trial);
        return trial;
      });
      previous = Promise.allSettled(made);
    }
    await previous;
  };
  const before = Promise.all([inRows(onTargets, Promise.resolve()), inRows(onNode, Promise.resolve())]);
  void inRows(last, before);
}

test('there is a trial for each name of each action', () => {
  expect(Object.keys(trials).toSorted()).toEqual(everyName.toSorted());
  expect([...ended.keys()].toSorted()).toEqual(everyName.toSorted());
});

test.each([onTargets, onNode, last].flat(2))('%s is felt by its target, told, and undone', (name) => ended.get(name));
