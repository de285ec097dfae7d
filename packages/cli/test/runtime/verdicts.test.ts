/** The verdict of each kind of experiment, from `chaosplane run` on this machine: what it says, and its exit code. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cells, endedRun, startApplication, wantedEnds, type Application } from '../verdict-table.ts';
import { startMachine, type Machine } from './machine.ts';

let machine: Machine;
let application: Application;

beforeAll(async () => {
  machine = await startMachine('verdicts');
  application = await startApplication('127.0.0.1');
  application.call(`http://${machine.web.ips.v4}:8080/`);
}, 180_000);
afterAll(async () => {
  application.close();
  await machine.close();
}, 60_000);

test('every hypothesis with every effect ends with its phase, its verdict, its words and its exit code', async () => {
  const ended = await Promise.all(
    cells.map(async ({ hypothesis, effect, name }) => {
      const spec = { target: { names: ['web'] }, ...application.spec(hypothesis, effect, name) };
      const document = {
        apiVersion: 'chaos.chaosplane.io/v1alpha1',
        kind: 'ChaosExperiment',
        metadata: { name },
        spec,
      };
      const running = machine.chaosplane(['run', '-', '-o', 'json'], JSON.stringify(document));
      const { told, ...end } = await endedRun(running, application, name);
      expect(told).toBe(end['message']);
      return [name, end];
    }),
  );
  expect(Object.fromEntries(ended)).toEqual(wantedEnds());
}, 180_000);
