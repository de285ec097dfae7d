/** Which steps can begin, and which are under way: kept from change to change, so that a turn does not look at every step. */
import { isNodeOver, stateOf, type NodeId, type WorkflowState } from '@chaosplane/api';
import type { Graph, GraphNode } from './graph.ts';

/** The steps of a workflow between those that are over and those that cannot begin yet. */
export interface Frontier {
  /** Steps under way that are not made of others. */
  readonly active: ReadonlySet<NodeId>;
  /** How many experiments are among them. */
  readonly experiments: number;
  /** The next step that can begin; one that is no experiment goes first. Undefined: there is none, or no room for it. */
  next(room: boolean): NodeId | undefined;
  /** What has begun is no more among those that can. */
  begun(id: NodeId): void;
  /** A step is over: returns the steps that it was the last part of, from within. */
  over(id: NodeId): readonly NodeId[];
  /** How many of the first steps, or of those of the exit, are not over. */
  left(of: 'roots' | 'exits'): number;
  /** The parts of a step that has begun, or the first steps of a workflow, can begin when nothing is before them. */
  open(ids: readonly NodeId[]): void;
  /** What has not begun by now never does. */
  close(): void;
}

/** Of a workflow that is `state`. */
export function frontierOf({ nodes, roots, exits }: Graph, state: Pick<WorkflowState, 'nodes'>): Frontier {
  const order = new Map([...nodes.keys()].map((id, index) => [id, index]));
  const active = new Set<NodeId>();
  const unmet = new Map<NodeId, number>();
  const openParts = new Map<NodeId, number>();
  const [plain, experiments] = [queue(order), queue(order)];
  let running = 0;
  const left = { roots: 0, exits: 0 };

  const nodeOf = (id: NodeId): GraphNode => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`the workflow has no step ${id}`);
    return node;
  };
  const isOver = (id: NodeId): boolean => isNodeOver(stateOf(state, id));
  const isPending = (id: NodeId): boolean => stateOf(state, id).phase === 'Pending';
  const isExperiment = (id: NodeId): boolean => nodeOf(id).step.kind === 'experiment';
  const queueOf = (id: NodeId): Queue => (isExperiment(id) ? experiments : plain);
  left.roots = roots.filter((id) => !isOver(id)).length;
  left.exits = exits.filter((id) => !isOver(id)).length;
  for (const { id, dependencies, parts } of nodes.values()) {
    unmet.set(id, dependencies.filter((before) => !isOver(before)).length);
    openParts.set(id, parts.filter((part) => !isOver(part)).length);
    const { phase } = stateOf(state, id);
    if ((phase !== 'Running' && phase !== 'Waiting') || parts.length > 0) continue;
    active.add(id);
    if (isExperiment(id)) running += 1;
  }

  return {
    active,
    get experiments() {
      return running;
    },
    next: (room) => plain.first() ?? (room ? experiments.first() : undefined),
    begun(id) {
      queueOf(id).remove(id);
      if (nodeOf(id).parts.length > 0) return;
      active.add(id);
      if (isExperiment(id)) running += 1;
    },
    over(id) {
      queueOf(id).remove(id);
      if (active.delete(id) && isExperiment(id)) running -= 1;
      const { dependents, parent, isExit } = nodeOf(id);
      for (const after of dependents) {
        const still = (unmet.get(after) ?? 0) - 1;
        unmet.set(after, still);
        if (still === 0 && isPending(after)) queueOf(after).add(after);
      }
      if (parent === undefined) {
        left[isExit ? 'exits' : 'roots'] -= 1;
        return [];
      }
      const still = (openParts.get(parent) ?? 0) - 1;
      openParts.set(parent, still);
      return still === 0 ? [parent] : [];
    },
    left: (of) => left[of],
    close() {
      plain.clear();
      experiments.clear();
    },
    open(ids) {
      for (const id of ids) if (unmet.get(id) === 0 && isPending(id)) queueOf(id).add(id);
    },
  };
}

/** Steps in the order of the graph. */
interface Queue {
  first(): NodeId | undefined;
  add(id: NodeId): void;
  remove(id: NodeId): void;
  clear(): void;
}

function queue(order: ReadonlyMap<NodeId, number>): Queue {
  const ids: NodeId[] = [];
  const rank = (id: NodeId | undefined): number => order.get(id ?? '') ?? Infinity;
  /** Where it is, or would be. */
  const placeOf = (id: NodeId): number => {
    let [low, high] = [0, ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rank(ids[middle]) < rank(id)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    first: () => ids[0],
    clear: () => void ids.splice(0),
    add(id) {
      const at = placeOf(id);
      if (ids[at] !== id) ids.splice(at, 0, id);
    },
    remove(id) {
      const at = placeOf(id);
      if (ids[at] === id) ids.splice(at, 1);
    },
  };
}
