/** An API server in memory, as far as executors of nodes ask it: nodes with versions, pods, and evictions that budgets answer. */
import { KubeError, type Informer, type KubeClient, type Node, type Pod } from '@chaosplane/kube';
import type { NodeChange } from '../src/nodes/hold.ts';
import { changed } from './objects.ts';

/** What is in it, and what was asked of it. */
export interface MemoryApi {
  readonly client: KubeClient;
  readonly nodes: Informer<Node>;
  readonly pods: Informer<Pod>;
  readonly podsOn: (node: string) => readonly Pod[];
  /** What an eviction of that pod is answered with; absent: the pod goes. */
  readonly refusals: Map<string, KubeError>;
  /** Evictions, by the names of the pods, `dry` before those of a dry run. */
  readonly evictions: string[];
  /** Runs once, between the next read of a node and the write after it. */
  between?: () => void;
  node(name?: string): Node | undefined;
  put(object: Node | Pod): void;
  remove(name: string): void;
}

export function memoryApi(...objects: readonly (Node | Pod)[]): MemoryApi {
  const nodes = new Map<string, Node>();
  const pods = new Map<string, Pod>();
  let version = 1;
  const put = (object: Node | Pod): void => {
    version += 1;
    const kept = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    (object.kind === 'Node' ? nodes : pods).set(object.metadata.name, kept);
  };
  for (const object of objects) put(object);
  const api: MemoryApi = {
    refusals: new Map(),
    evictions: [],
    node: (name = 'n1') => nodes.get(name),
    put,
    remove(name) {
      nodes.delete(name);
      pods.delete(name);
    },
    podsOn: (node) => [...pods.values()].filter(({ spec }) => spec?.nodeName === node),
    nodes: { get: ({ name }: { name: string }) => nodes.get(name), list: () => [...nodes.values()] } as never,
    pods: { get: ({ name }: { name: string }) => pods.get(name), list: () => [...pods.values()] } as never,
    client: {
      async get({ kind }: { kind: string }, { name }: { name: string }) {
        return (kind === 'Node' ? nodes : pods).get(name);
      },
      async patch(_type: unknown, { name }: { name: string }, { body }: { body: Patch }) {
        api.between?.();
        delete api.between;
        const node = nodes.get(name);
        if (node === undefined) throw new KubeError(404, 'NotFound', 'no such node');
        const { resourceVersion, uid, annotations } = body.metadata;
        if (resourceVersion !== node.metadata.resourceVersion || uid !== node.metadata.uid)
          throw new KubeError(409, 'Conflict', 'the object has been modified');
        put(changed(node, { annotations, ...(body.spec === undefined ? {} : { spec: body.spec }) }));
        return nodes.get(name);
      },
      async raw(_method: string, path: string, body: { deleteOptions: { dryRun?: unknown } }) {
        const name = path.split('/').at(-2) ?? '';
        const dry = body.deleteOptions.dryRun !== undefined;
        api.evictions.push(dry ? `dry ${name}` : name);
        const refusal = api.refusals.get(name);
        if (refusal !== undefined) throw refusal;
        if (!dry) pods.delete(name);
      },
      async list() {
        return { items: [], resourceVersion: '1' };
      },
    } as unknown as KubeClient,
  };
  return api;
}

interface Patch {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string } & Pick<NodeChange, 'annotations'>;
  readonly spec?: NonNullable<NodeChange['spec']>;
}
