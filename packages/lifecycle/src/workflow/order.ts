/** Which steps of a workflow may be under way at the same time, by its graph alone. Pure. */
import type { NodeId } from '@chaosplane/api';
import type { Graph, GraphNode } from './graph.ts';

/** A step, and what is surely over when it begins. */
export interface OrderedStep {
  readonly id: NodeId;
  readonly isExit: boolean;
  /** What it waits for, directly or not, and what those do that it is a part of. */
  readonly before: ReadonlySet<NodeId>;
  /** Whether neither of them waits for the other. */
  mayMeet(other: OrderedStep): boolean;
  /** It, and what it is a part of. */
  readonly around: readonly NodeId[];
}

/** All steps, in the order of the graph. */
export function orderOf({ nodes }: Pick<Graph, 'nodes'>): readonly OrderedStep[] {
  const known = new Map<NodeId, ReadonlySet<NodeId>>();
  const beforeOf = ({ id, parent, dependencies }: GraphNode): ReadonlySet<NodeId> => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const of = (other: NodeId): ReadonlySet<NodeId> => {
      const node = nodes.get(other);
      return node === undefined ? new Set() : beforeOf(node);
    };
    const before = new Set([
      ...(parent === undefined ? [] : of(parent)),
      ...dependencies.flatMap((other) => [other, ...of(other)]),
    ]);
    known.set(id, before);
    return before;
  };
  const aroundOf = ({ id, parent }: GraphNode): readonly NodeId[] => {
    const outer = parent === undefined ? undefined : nodes.get(parent);
    return [id, ...(outer === undefined ? [] : aroundOf(outer))];
  };
  return [...nodes.values()].map((node): OrderedStep => {
    const [before, around] = [beforeOf(node), aroundOf(node)];
    const { id, isExit } = node;
    const mayMeet = (other: OrderedStep): boolean =>
      isExit === other.isExit &&
      !around.some((each) => other.before.has(each)) &&
      !other.around.some((each) => before.has(each));
    return { id, isExit, before, around, mayMeet };
  });
}
