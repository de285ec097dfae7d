/** Trials of stress: CPU time, memory and written bytes, as this machine's kernel accounts for them. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { ExperimentObject } from '@chaosplane/api';
import { cgroupFolder, cpuMs, memoryBytes, stressorsIn } from '@chaosplane/testcluster/accounts';
import { NAMESPACE } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { burningOn } from '../burning.ts';
import { cgroupOf } from '../containers.ts';
import { podNamed, TARGET_NODE } from './places.ts';
import { measured, trial, type Measured, type Stage, type Trial } from './trial.ts';

const MEBI = 2 ** 20;
const LOAD = 50;
const POD_BYTES = 64 * MEBI;
const NODE_BYTES = 128 * MEBI;
/** How long stress-ng may take to fill memory. */
const FILL_MS = 20_000;
/** How long what happens a second is measured. */
const WINDOW_MS = 1500;

/**
 * Milliseconds of CPU time a second, on a machine that does other things as well: 500 of a core and what stress-ng is off at most, and far
 * more than an idle container uses. The tests of the runtime measure the load itself.
 */
function isLoad(ms: number): void {
  expect(ms).toBeGreaterThan(LOAD);
  expect(ms).toBeLessThan(14 * LOAD);
}

/** How much more there is of it after a while, a second. */
async function aSecond(read: () => number): Promise<number> {
  const [before, since] = [read(), performance.now()];
  await pause(WINDOW_MS);
  return ((read() - before) * 1000) / (performance.now() - since);
}

const onPod = <R>(
  name: string,
  more: Pick<Measured<R>, 'parameters' | 'measure' | 'felt' | 'back' | 'residue'>,
): Measured<R> => ({ target: podNamed(name), node: TARGET_NODE, ...more });

const podCpu = trial(({ shop }) =>
  onPod('hot', {
    parameters: { load: LOAD, containerName: 'http' },
    /** Milliseconds of CPU time a second, of the container and of its neighbour. */
    async measure() {
      const found = ['http', 'udp'].map((container) => cgroupOf(shop, 'hot', container, 'cpuacct'));
      return Promise.all((await Promise.all(found)).map((folder) => aSecond(() => cpuMs(folder))));
    },
    felt([own = 0, neighbour = 0], [ownBefore = 0]) {
      isLoad(own - ownBefore);
      expect(neighbour).toBeLessThan(own / 5);
    },
    back: ([own = 0]) => expect(own).toBeLessThan(LOAD / 2),
    residue: async () => stressorsIn(await cgroupOf(shop, 'hot', 'http', 'cpuacct')),
  }),
);

/** Bytes that are used in a cgroup: so many more while it is in force, as soon as stress-ng has filled them. */
const memoryOf = (folder: () => Promise<string>, bytes: number) => {
  let least = Infinity;
  return {
    async measure(experiment?: ExperimentObject): Promise<number> {
      const read = async (): Promise<number> => memoryBytes(await folder());
      const used = await read();
      least = Math.min(least, used);
      const filled = { withinMs: FILL_MS, is: (now: number) => now - least > 0.9 * bytes };
      return experiment?.status?.phase === 'Running' ? eventually('it is filled', read, filled).catch(read) : used;
    },
    felt(now: number, before: number): void {
      expect(now - before).toBeGreaterThan(0.9 * bytes);
      expect(now - before).toBeLessThan(1.5 * bytes);
    },
    back: (after: number, before: number) => expect(after - before).toBeLessThan(bytes / 2),
  };
};

const podMemory = trial(({ shop }) =>
  onPod('full', {
    parameters: { size: `${POD_BYTES / MEBI}Mi`, containerName: 'http' },
    ...memoryOf(() => cgroupOf(shop, 'full', 'http', 'memory'), POD_BYTES),
    residue: async () => stressorsIn(await cgroupOf(shop, 'full', 'http', 'cpuacct')),
  }),
);

const podIo = trial(({ shop }) =>
  onPod('writing', {
    parameters: { path: '/', size: '4Mi', containerName: 'http' },
    /** Bytes a second that processes of the container send to the disk. */
    async measure() {
      const folder = await cgroupOf(shop, 'writing', 'http', 'cpuacct');
      return aSecond(() => writtenIn(folder));
    },
    felt(now, before) {
      expect(before).toBe(0);
      expect(now).toBeGreaterThan(MEBI / 4);
    },
    back: (after) => expect(after).toBe(0),
    residue: () => shop.cluster.kubectl(['exec', 'writing', '-n', NAMESPACE, '-c', 'http', '--', 'ls', '-a', '/']),
  }),
);

/** See proc_pid_io(5). */
function writtenIn(folder: string): number {
  const pids = readFileSync(`${folder}/cgroup.procs`, 'utf8').split('\n').filter(Boolean);
  const written = pids.map((pid) => /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
  return written.reduce((sum, bytes) => sum + Number(bytes), 0);
}

const idOf = (experiment?: ExperimentObject): string => experiment?.status?.targets?.[0]?.executionId ?? 'none yet';

/** The cgroups that burn for the experiment, by node. */
async function burningFor({ shop }: Stage, experiment?: ExperimentObject): Promise<[string, string][]> {
  const found = await Promise.all(
    shop.cluster.nodes.map(async (node) =>
      (await burningOn(shop, node)).map((folder): [string, string] => [node, folder]),
    ),
  );
  return found.flat().filter(([, folder]) => folder.endsWith(`/chaosplane/${idOf(experiment)}`));
}

const nodeCpu = (node: string): Trial =>
  trial((stage) => {
    let burnt = '';
    return measured({
      target: { kind: 'Node', names: [node] },
      node,
      parameters: { load: LOAD },
      /** Where it burns, in cgroups of its own, and milliseconds of CPU time a second there. */
      async measure(experiment) {
        const burning = await burningFor(stage, experiment);
        const [[, folder] = []] = burning;
        const nodes = burning.map(([name]) => name);
        if (folder === undefined) return { nodes, ms: 0 };
        burnt = folder;
        return { nodes, ms: await aSecond(() => cpuMs(folder)) };
      },
      felt(now, before) {
        expect(before).toEqual({ nodes: [], ms: 0 });
        expect(now.nodes).toEqual([node]);
        isLoad(now.ms);
      },
      back(after, before) {
        expect(after).toEqual(before);
        expect(existsSync(burnt)).toBe(false);
      },
    });
  });

/** Of the whole node: it is in the cgroup of its first process. */
const nodeMemory = (node: string): Trial =>
  trial((stage) => {
    let own = '';
    const ofNode = memoryOf(async () => {
      const [, , init = ''] = (await stage.shop.cluster.rootOf(node)).split('/');
      return cgroupFolder(Number(init), 'memory');
    }, NODE_BYTES);
    return measured({
      target: { kind: 'Node', names: [node] },
      node,
      parameters: { size: `${NODE_BYTES / MEBI}Mi` },
      measure: ofNode.measure,
      async felt(now, before, experiment) {
        const burning = await burningFor(stage, experiment);
        expect(burning.map(([name]) => name)).toEqual([node]);
        own = burning[0]?.[1] ?? '';
        ofNode.felt(now, before);
      },
      back(after, before) {
        ofNode.back(after, before);
        expect(existsSync(own)).toBe(false);
      },
    });
  });

/** The pods that they hit, on TARGET_NODE. */
export const stressPods = ['hot', 'full', 'writing'] as const;

export const stressTrials = {
  'pod-cpu-stress': podCpu,
  'pod-memory-stress': podMemory,
  'pod-io-stress': podIo,
  'stress-cpu': nodeCpu('n1'),
  'node-cpu-stress': nodeCpu('n2'),
  'stress-memory': nodeMemory('n2'),
} as const;
