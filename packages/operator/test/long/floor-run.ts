/** One run of a story, in a namespace of its own: what happened there, and whether experiments were at fault. */
import { setTimeout as pause } from 'node:timers/promises';
import { chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import { deployments, namespaces, pods, type KubeClient } from '@chaosplane/kube';
import { floorBreaches, longestHeld, type Floor, type FloorBreach, type FloorHistory } from '@chaosplane/testkit';
import { eventually } from '@chaosplane/testkit/eventually';
import { deletePolicy, writePolicy } from '../api/policies.ts';
import { makeBareNamespace, type Stage } from '../api/stage.ts';
import type { Recorder } from './floor-history.ts';
import { LANE_LABEL } from './floor-nodes.ts';
import { APP, type Step, type Story } from './floor-story.ts';

/** Where runs take place. */
export interface FloorStage {
  readonly stage: Stage;
  readonly recorder: Recorder;
  readonly enforcement: 'Enforce' | 'Audit';
}

/** What came of one run. */
export interface FloorRun {
  readonly seed: number;
  readonly breaches: readonly FloorBreach[];
  readonly experiments: readonly ExperimentObject[];
  readonly history: FloorHistory;
  readonly longestHeldMs: number;
  readonly samples: number;
}

/** docs/policies.md: the operator looks every two seconds at least. */
const LOOK_MS = 2000;

/** What is waited for in a run, on a machine that does other things as well. */
const patient = { withinMs: 120_000, everyMs: 100 } as const;

/** A Deployment whose pods go to the nodes of the lane. */
const deploymentOf = (namespace: string, replicas: number, lane: string) => {
  const labels = { app: APP };
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace, name: APP, labels } },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { nodeSelector: { [LANE_LABEL]: lane }, containers: [{ name: 'app', image: 'none' }] },
      },
    },
  };
};

/** Plays the story. Nothing of it is left, and the API server and the nodes have no experiment any more. */
export async function playStory(
  { stage, recorder, enforcement }: FloorStage,
  { story, lane }: { readonly story: Story; readonly lane: string },
): Promise<FloorRun> {
  const { client } = stage;
  const { seed, replicas, floor, steps } = story;
  const name = `${enforcement.toLowerCase()}-${seed}`;
  const namespace = `${stage.namespace}-${name}`;
  await using stack = new AsyncDisposableStack();
  await makeBareNamespace(client, namespace);
  stack.defer(() => client.delete(namespaces, { name: namespace }).then(() => undefined));
  await writePolicy(stage, name, {
    enforcement,
    targetLimits: limitsOf(floor),
    scope: { namespaces: [namespace] },
  });
  stack.defer(() => deletePolicy(stage, name));
  const recording = recorder.record(namespace, floor);
  stack.defer(() => recording.stop());
  await client.create(deployments, deploymentOf(namespace, replicas, lane));
  await eventually(`all pods of ${namespace} are Ready`, () => readyOf(client, namespace), {
    ...patient,
    is: (ready) => ready === replicas,
  });
  recording.begin();
  const slowestMs = await act(client, namespace, steps);
  const experiments = await allOver(client, namespace);
  await removeExperiments(client, namespace);
  // What a machine that is busy adds to the time that is documented: its own measure, of this run.
  const history = recording.history(LOOK_MS + 2 * (recording.samples.latestMs + slowestMs));
  await removePods(client, namespace);
  return {
    ...{ seed, experiments, history },
    breaches: floorBreaches(history),
    longestHeldMs: longestHeld(history),
    samples: recording.samples.count,
  };
}

const limitsOf = (floor: Floor): object => ({ ...floor });

async function readyOf(client: KubeClient, namespace: string): Promise<number> {
  return (await client.get(deployments, { namespace, name: APP }))?.status?.readyReplicas ?? 0;
}

/** Does every step at its time; resolves with how long the API server took for the slowest of them. */
async function act(client: KubeClient, namespace: string, steps: readonly Step[]): Promise<number> {
  const since = performance.now();
  const times = await Promise.all(
    steps.map(async (step) => {
      await pause(Math.max(0, since + step.at - performance.now()));
      return doStep(client, namespace, step);
    }),
  );
  return Math.max(0, ...times);
}

/** How long the API server took. */
async function doStep(client: KubeClient, namespace: string, step: Step): Promise<number> {
  const since = performance.now();
  switch (step.kind) {
    case 'experiment': {
      const { apiVersion, kind } = chaosExperiments;
      await client.create(chaosExperiments, {
        ...{ apiVersion, kind, metadata: { namespace, name: step.name } },
        spec: step.spec,
      });
      return performance.now() - since;
    }
    case 'scale': {
      const body = { spec: { replicas: step.replicas } };
      await client.patch(deployments, { namespace, name: APP }, { kind: 'merge', body });
      return performance.now() - since;
    }
    case 'unready':
    case 'delete': {
      const { items } = await client.list(pods, { namespace, labelSelector: `app=${APP}` });
      const ms = performance.now() - since;
      const chosen = items[Math.floor(step.pick * items.length)]?.metadata.name;
      if (chosen === undefined) return ms;
      if (step.kind === 'delete') await client.delete(pods, { namespace, name: chosen });
      else {
        await setPodReady(client, { namespace, name: chosen }, 'False');
        await pause(step.forMs);
        await setPodReady(client, { namespace, name: chosen }, 'True');
      }
      return ms;
    }
  }
}

/** As a kubelet does when a readiness probe fails, or passes again. The pod may be gone by then. */
async function setPodReady(
  client: KubeClient,
  ref: { readonly namespace: string; readonly name: string },
  status: 'True' | 'False',
): Promise<void> {
  const body = { status: { conditions: [{ type: 'Ready', status }] } };
  await client.patch(pods, ref, { kind: 'merge', body }, { subresource: 'status' }).catch(() => undefined);
}

/** All experiments, once each of them has ended. */
function allOver(client: KubeClient, namespace: string): Promise<readonly ExperimentObject[]> {
  const list = async () => (await client.list(chaosExperiments, { namespace })).items;
  return eventually(`all experiments of ${namespace} have ended`, list, {
    ...patient,
    is: (items) => items.every(({ status }) => status?.endedAt !== undefined),
  });
}

/** The next run in this lane finds its nodes empty. */
async function removePods(client: KubeClient, namespace: string): Promise<void> {
  await client.delete(deployments, { namespace, name: APP }, { propagationPolicy: 'Background' });
  const left = async () => (await client.list(pods, { namespace })).items;
  await eventually(`${namespace} has no pod`, left, { ...patient, is: (items) => items.length === 0 });
}

async function removeExperiments(client: KubeClient, namespace: string): Promise<void> {
  for (const { metadata } of (await client.list(chaosExperiments, { namespace })).items)
    await client.delete(chaosExperiments, metadata);
  const left = async () => (await client.list(chaosExperiments, { namespace })).items;
  await eventually(`${namespace} has no experiment`, left, { ...patient, is: (items) => items.length === 0 });
}
