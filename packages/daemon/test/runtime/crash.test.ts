/** A daemon that is killed by SIGKILL at any of its steps: the next one has in force what its journal says, and no more. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import { fingerprint } from '@chaosplane/testbed';
import { startDoomed } from './doomed.ts';
import { arriving, changesSince, createPodLab, oneWayTimes, TWENTY, type PodEnd } from './pod-lab.ts';

/** The life in which it is killed. Says what the caller was told. */
async function live(client: ChaosDaemonClient, peer: PodEnd, told: string[]): Promise<void> {
  const exec = async (action: string, parameters: Readonly<Record<string, string>>): Promise<string> => {
    const request = { experimentId: 'crash', action, parameters: { podName: 'target', ...parameters } };
    const { executionId } = await client.execNetworkChaos(request);
    told.push(`network-${action} active`);
    return executionId;
  };
  const partition = await exec('partition', { targetCidr: peer.ipv4 });
  const delay = await exec('delay', { latency: '60ms' });
  for (const [action, executionId] of [
    ['partition', partition],
    ['delay', delay],
  ] as const) {
    await client.cancelChaos({ executionId });
    told.push(`network-${action} ended`);
  }
}

// The names of the steps are the names of the tests, so the life is lived once before there are any.
const lab = await createPodLab();
const { target, near, far, steps } = await prepare().catch(async (error: unknown) => {
  await lab.close();
  throw error;
});
let before: string;

async function prepare() {
  const [first, second, third] = [await lab.addEnd('target'), await lab.addEnd('near'), await lab.addEnd('far')];
  const doomed = await startDoomed(lab, 0);
  try {
    await live(doomed.client, second, []);
    return { target: first, near: second, far: third, steps: [...doomed.steps] };
  } finally {
    await doomed.kill();
  }
}

beforeAll(async () => {
  before = await fingerprint(target.path);
}, 120_000);

afterAll(async () => {
  await lab.close();
}, 120_000);

describe('killed', () => {
  test('anywhere: that life has its steps', () => {
    expect(steps.length).toBeGreaterThan(20);
  });

  test.each(steps.map((name, index) => [index + 1, name] as const))(
    'at step %d, %s',
    async (step, name) => {
      const doomed = await startDoomed(lab, step);
      const told: string[] = [];
      try {
        await live(doomed.client, near, told).catch(() => undefined);
        expect(await doomed.died).toBe('SIGKILL');
        expect(doomed.steps).toEqual(steps.slice(0, step));
        expect(doomed.steps.at(-1)).toBe(name);
      } finally {
        await doomed.kill();
      }

      const next = await lab.startDaemon({ stateDir: doomed.stateDir });
      const { executions } = await next.client.listExecutions({});
      const active = executions.map(({ action }) => action);
      // What the caller was told is true; what it was not told may be so or not.
      for (const words of told) {
        const [action = '', state] = words.split(' ');
        if (state === 'ended') expect(active).not.toContain(action);
        else if (!told.includes(`${action} ended`) && step < undoingFrom(action)) expect(active).toContain(action);
      }
      expect(await arriving(far, near)).toBe(TWENTY);
      expect(await arriving(target, near)).toBe(active.includes('network-partition') ? 0 : TWENTY);
      const { least, median } = await oneWayTimes(target, far);
      if (active.includes('network-delay')) expect(least).toBeGreaterThanOrEqual(59);
      else expect(median).toBeLessThan(30);

      expect((await next.daemon.recoverAll()).failed).toEqual([]);
      expect(await changesSince(before, target)).toEqual([]);
      await next.stop();
    },
    120_000,
  );
});

/** The number of the step from which the daemon was undoing that action. */
function undoingFrom(action: string): number {
  return steps.indexOf(`before journal: ${action} undoing`) + 1;
}
