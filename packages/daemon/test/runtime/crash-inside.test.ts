/** A daemon that is killed inside what a proxy or a stressor takes: the next one has the whole fault in force, or nothing of it. */
import type { ChaosDaemonClient } from '@chaosplane/proto';
import { fingerprint } from '@chaosplane/testbed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ask as askName, startResolver } from '../kernel/dns-lab.ts';
import { ask, startApp } from '../kernel/http-lab.ts';
import { cgroupFolder, stressorsIn } from '@chaosplane/testcluster/accounts';
import { eventually } from '@chaosplane/testkit/eventually';
import { startDoomed } from './doomed.ts';
import { changesSince, createPodLab } from './pod-lab.ts';

/** What such a daemon does in its life, and whether that can be felt. */
interface Life {
  readonly action: string;
  exec(client: ChaosDaemonClient): Promise<{ executionId: string }>;
  /** In full, or not at all; anything between is neither. */
  felt(): Promise<boolean | 'in part'>;
}

// The names of the steps are the names of the tests, so each life is lived once before there are any.
const lab = await createPodLab();
const { target, lives, cases, left, close } = await prepare().catch(async (error: unknown) => {
  await lab.close();
  throw error;
});
let before: string;

async function prepare() {
  const peer = await lab.addEnd('peer');
  const pod = await lab.addEnd('target', { dns: { servers: [peer.ipv4], searches: [] } });
  const container = pod.pod.containers['app']!;
  const cpu = cgroupFolder(container.pid, 'cpuacct');
  const [app, resolver] = [await startApp(pod, 8081), await startResolver(peer, peer.ipv4)];
  const parameters = { podName: 'target' };
  const all: Readonly<Record<string, Life>> = {
    'an HTTP fault': {
      action: 'pod-http-abort',
      exec: (client) =>
        client.execHTTPChaos({ action: 'abort', port: 8081, parameters: { ...parameters, statusCode: '503' } }),
      felt: async () => (await ask(peer, { address: pod.ipv4, port: 8081 })).status === 503,
    },
    'a DNS fault': {
      action: 'pod-dns-error',
      exec: (client) => client.execDNSChaos({ action: 'error', parameters: { ...parameters, domains: '*' } }),
      async felt() {
        const answer = await askName(pod, peer.ipv4, 'shop.test');
        return answer !== 'timeout' && answer.code === 'NXDOMAIN';
      },
    },
    'a stressor': {
      action: 'pod-io-stress',
      exec: (client) =>
        client.execStressChaos({ stressorType: 'io', parameters: { ...parameters, path: '/', size: '1Mi' } }),
      async felt() {
        const processes = stressorsIn(cpu).length;
        const folders = (await folder()).filter((name) => name.startsWith('.chaosplane-')).length;
        // stress-ng and its one worker.
        if (processes === 2 && folders === 1) return true;
        return processes === 0 && folders === 0 ? false : 'in part';
      },
    },
  };
  const folder = async (): Promise<string[]> =>
    (await lab.testbed.execSync(container.id, ['ls', '-a', '/'])).stdout.split('\n').filter(Boolean);
  const steps: (readonly [string, readonly string[]])[] = [];
  for (const [name, life] of Object.entries(all)) {
    // The shorter of two: a context of nftables is made again when another thread took its descriptor, and that is a step more.
    const [once, again] = [await stepsOf(life), await stepsOf(life)];
    steps.push([name, again.length < once.length ? again : once]);
  }
  return {
    target: pod,
    lives: all,
    left: async () => [stressorsIn(cpu).length, ...(await folder()).filter((name) => name.startsWith('.chaosplane-'))],
    cases: steps.flatMap(([name, reached]) => {
      // Until then nothing is changed; and what is before a step is what was after the one before it.
      const first = reached.findIndex((step) => step.startsWith('before journal'));
      const counts = (step: string): boolean => /^after (?!journal: .* (undoing|ended))/.test(step);
      return reached.flatMap((step, index) =>
        index > first && counts(step) ? [[name, index + 1, step, reached] as const] : [],
      );
    }),
    close() {
      app.close();
      resolver.close();
    },
  };
}

async function stepsOf(life: Life): Promise<readonly string[]> {
  const doomed = await startDoomed(lab, 0, 'inside');
  try {
    const { executionId } = await life.exec(doomed.client);
    await doomed.client.cancelChaos({ executionId });
    return [...doomed.steps];
  } finally {
    await doomed.kill();
  }
}

/** How often something is done in a namespace differs by those contexts of nftables that were made again. */
function withoutRepeats(steps: readonly string[]): readonly string[] {
  return steps.filter((step, index) => step !== steps[index - 1]);
}

beforeAll(async () => {
  before = await fingerprint(target.path);
}, 120_000);

afterAll(async () => {
  close();
  await lab.close();
}, 120_000);

describe('killed', () => {
  test('inside: each life has steps there', () => {
    for (const name of Object.keys(lives)) {
      const inside = cases.filter(([life, , step]) => life === name && !step.startsWith('after journal'));
      expect(inside.length).toBeGreaterThan(4);
    }
  });

  test.each(cases)(
    'in the life of %s, at step %d, %s',
    async (name, step, _words, steps) => {
      const life = lives[name]!;
      const doomed = await startDoomed(lab, step, 'inside');
      const told: string[] = [];
      try {
        await life
          .exec(doomed.client)
          .then(({ executionId }) => {
            told.push('active');
            return doomed.client.cancelChaos({ executionId });
          })
          .then(() => told.push('ended'))
          .catch(() => undefined);
        expect(await doomed.died).toBe('SIGKILL');
        expect(doomed.steps).toHaveLength(step);
        const reached = withoutRepeats(doomed.steps);
        expect(reached).toEqual(withoutRepeats(steps).slice(0, reached.length));
      } finally {
        await doomed.kill();
      }
      // Without a daemon, requests and queries go their own way, and no process is left.
      await eventually('the end of all stressors', left, {
        withinMs: 10_000,
        everyMs: 20,
        is: ([stressors]) => stressors === 0,
      });
      if (life.action !== 'pod-io-stress') expect(await life.felt()).toBe(false);

      const next = await lab.startDaemon({ stateDir: doomed.stateDir });
      const { executions } = await next.client.listExecutions({});
      const active = executions.length > 0;
      const undoing = doomed.steps.includes(`before journal: ${life.action} undoing`);
      // What the caller was told is true; what it was not told may be so or not.
      if (told.includes('ended')) expect(active).toBe(false);
      else if (told.includes('active') && !undoing) expect(active).toBe(true);
      expect(await life.felt()).toBe(active);

      expect((await next.daemon.recoverAll()).failed).toEqual([]);
      expect(await life.felt()).toBe(false);
      expect(await left()).toEqual([0]);
      expect(await changesSince(before, target)).toEqual([]);
      await next.stop();
    },
    120_000,
  );
});
