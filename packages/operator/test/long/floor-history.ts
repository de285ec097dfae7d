/** What happens to the workload of a run, as the API server, the kernels of the nodes and the operator's own requests tell it; 20 times a second, and at each event. */
import {
  deployments,
  pods,
  type Deployment,
  type KubeClient,
  type KubeObject,
  type Pod,
  type ResourceType,
} from '@chaosplane/kube';
import { systemClock } from '@chaosplane/common';
import type { Floor, FloorHistory, FloorHit, FloorMoment } from '@chaosplane/testkit';
import { APP } from './floor-story.ts';
import type { Kubelets } from './floor-nodes.ts';

const SAMPLE_MS = 50;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Follows all workloads; one for the file. */
export interface Recorder {
  /** A client for the operator. Each pod that it deletes or evicts is noted at the moment when it asks for it. */
  readonly client: KubeClient;
  /** What happens in a namespace from now on. */
  record(namespace: string, floor: Floor): Recording;
  stop(): Promise<void>;
}

export interface Recording {
  /** All is as it should be: what was seen before is forgotten. */
  begin(): void;
  /** What was seen so far. */
  history(reactionMs: number): FloorHistory;
  /** How many times it was looked at, and how late it was at the worst, in milliseconds. */
  readonly samples: { readonly count: number; readonly latestMs: number };
  stop(): Promise<void>;
}

const now = (): number => performance.now();

/** One namespace. */
class Scene {
  readonly moments: FloorMoment[] = [];
  readonly hits: Mutable<FloorHit>[] = [];
  readonly known = new Map<string, boolean>();
  readonly samples = { count: 0, latestMs: 0 };
  readonly #held = new Map<string, Mutable<FloorHit>>();
  readonly #running: Kubelets['running'];
  desired: number | undefined;

  constructor(running: Kubelets['running']) {
    this.#running = running;
  }

  /** Something of what the API server has is another now. */
  changed(): void {
    if (this.desired !== undefined) this.moments.push({ at: now(), desired: this.desired, pods: new Map(this.known) });
    this.look();
  }

  begin(): void {
    this.moments.splice(0);
    this.changed();
  }

  /** What the kernels hold: no word of ChaosPlane is taken for it. */
  look(): void {
    this.samples.count += 1;
    for (const uid of new Set([...this.known.keys(), ...this.#held.keys()])) {
      const pod = this.#running.get(uid);
      const isHit = pod !== undefined && pod.fake.netns.print() !== pod.clean;
      const held = this.#held.get(uid);
      if (isHit && held === undefined) {
        const hit = { uid, what: 'a fault of the network', from: now(), until: Infinity, lasting: true };
        this.#held.set(uid, hit);
        this.hits.push(hit);
      } else if (!isHit && held !== undefined) {
        held.until = now();
        this.#held.delete(uid);
      }
    }
  }
}

/** Begins to follow. */
export async function startRecorder(client: KubeClient, { running }: Pick<Kubelets, 'running'>): Promise<Recorder> {
  const scenes = new Map<string, Scene>();
  const over = new AbortController();
  const follow = async <T extends KubeObject>(
    type: ResourceType<T>,
    note: (scene: Scene, object: T, gone: boolean) => void,
  ): Promise<() => Promise<void>> => {
    const selection = { labelSelector: `app=${APP}` };
    const { resourceVersion } = await client.list(type, selection);
    const options = { ...selection, resourceVersion, timeoutSeconds: 3000, signal: over.signal };
    const following = (async () => {
      for await (const event of client.watch(type, options)) {
        const scene = scenes.get(event.object.metadata.namespace ?? '');
        if (event.type === 'BOOKMARK' || scene === undefined) continue;
        note(scene, event.object, event.type === 'DELETED');
        scene.changed();
      }
    })().catch((error: unknown) => {
      if (!over.signal.aborted) throw error;
    });
    following.catch(() => undefined);
    return () => following;
  };
  const followers = [
    await follow(pods, ({ known }, pod, gone) => {
      const { uid = '' } = pod.metadata;
      if (gone) known.delete(uid);
      else known.set(uid, isAvailable(pod));
    }),
    await follow(deployments, (scene, { spec }: Deployment) => {
      scene.desired = spec?.replicas ?? 1;
    }),
  ];
  return {
    client: noting(client, (namespace, uid, what) => {
      const hit = { uid, what, from: now(), until: Infinity, lasting: false };
      const hits = scenes.get(namespace)?.hits;
      hits?.push(hit);
      return () => void hits?.splice(hits.indexOf(hit), 1);
    }),
    record(namespace, floor) {
      const scene = new Scene(running);
      scenes.set(namespace, scene);
      const ended = new AbortController();
      const sampling = sample(scene, ended.signal);
      return {
        samples: scene.samples,
        begin: () => scene.begin(),
        history: (reactionMs) => ({
          floor,
          moments: scene.moments,
          hits: scene.hits.toSorted((a, b) => a.from - b.from),
          endsAt: now(),
          reactionMs,
        }),
        async stop() {
          ended.abort();
          await sampling;
          scenes.delete(namespace);
        },
      };
    },
    async stop() {
      over.abort();
      for (const follower of followers) await follower();
    },
  };
}

/** As the policies count: Ready, and not on its way out. */
function isAvailable({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
  return ready && metadata.deletionTimestamp === undefined;
}

async function sample(scene: Scene, signal: AbortSignal): Promise<void> {
  for (let due = now(); !signal.aborted; due += SAMPLE_MS) {
    await systemClock.sleep(Math.max(0, due - now()), signal).catch(() => undefined);
    scene.samples.latestMs = Math.max(scene.samples.latestMs, now() - due);
    scene.look();
    // What was missed is not made up for.
    due = Math.max(due, now() - SAMPLE_MS);
  }
}

/** The same client; what it takes away is noted. `note` returns how to take it back, where the API server refused. */
function noting(client: KubeClient, note: (namespace: string, uid: string, what: string) => () => void): KubeClient {
  const noted = async <T>(takeBack: () => void, request: Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (error) {
      takeBack();
      throw error;
    }
  };
  return {
    ...client,
    delete(type, ref, options = {}) {
      if (type.plural !== pods.plural) return client.delete(type, ref, options);
      return noted(
        note(ref.namespace ?? '', options.uid ?? '', `a kill of ${ref.name}`),
        client.delete(type, ref, options),
      );
    },
    raw(method, path, body, options) {
      const [, namespace = '', name = ''] =
        /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/eviction$/.exec(path) ?? [];
      const { deleteOptions } = (body ?? {}) as {
        deleteOptions?: { preconditions?: { uid?: string }; dryRun?: string[] };
      };
      if (name === '' || deleteOptions?.dryRun !== undefined) return client.raw(method, path, body, options);
      const uid = deleteOptions?.preconditions?.uid ?? '';
      return noted(note(namespace, uid, `an eviction of ${name}`), client.raw(method, path, body, options));
    },
  };
}
