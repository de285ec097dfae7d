/** A workflow as a graph: every step of it, nested ones too, in one flat table. Pure. */
import type { NodeId, Strategy, WorkflowStep } from '@chaosplane/api';

/** One step of the graph. */
export interface GraphNode {
  readonly id: NodeId;
  readonly step: WorkflowStep;
  /** The step that it is a part of. */
  readonly parent?: NodeId;
  /** Which must be over before it begins; all have the same parent. */
  readonly dependencies: readonly NodeId[];
  /** Which wait for it. */
  readonly dependents: readonly NodeId[];
  /** Its parts; none where it is not made of others. */
  readonly parts: readonly NodeId[];
  /** What is done when it fails. */
  readonly onError: Strategy;
  /** Whether it belongs to what is done when the rest is over. */
  readonly isExit: boolean;
}

/** All of them, by their ids; those that are no part of another one are in `roots` and `exits`. */
export interface Graph {
  readonly nodes: ReadonlyMap<NodeId, GraphNode>;
  readonly roots: readonly NodeId[];
  readonly exits: readonly NodeId[];
}

/** What stands between the names of a step and of its parts. */
const SEPARATOR = '/';

/** The graph of steps that are understood: names are unique among siblings, and dependencies make no circle. */
export function graphOf(steps: readonly WorkflowStep[], onExit: readonly WorkflowStep[] = []): Graph {
  const nodes = new Map<NodeId, GraphNode>();
  const roots = addAll(nodes, steps, { isExit: false });
  const exits = addAll(nodes, onExit, { isExit: true });
  return { nodes, roots, exits };
}

interface Place {
  readonly parent?: NodeId;
  readonly isExit: boolean;
}

function addAll(nodes: Map<NodeId, GraphNode>, steps: readonly WorkflowStep[], { parent, isExit }: Place): NodeId[] {
  const prefix = parent === undefined ? (isExit ? `onExit${SEPARATOR}` : '') : `${parent}${SEPARATOR}`;
  const idOf = (name: string): NodeId => `${prefix}${name}`;
  const dependents = new Map<string, string[]>();
  for (const { name, dependencies } of steps)
    for (const before of dependencies) dependents.set(before, [...(dependents.get(before) ?? []), name]);
  return steps.map((step) => {
    const id = idOf(step.name);
    const parts = step.kind === 'parallel' || step.kind === 'workflow' ? step.steps : [];
    nodes.set(id, {
      id,
      step,
      ...(parent === undefined ? {} : { parent }),
      dependencies: step.dependencies.map(idOf),
      dependents: (dependents.get(step.name) ?? []).map(idOf),
      parts: addAll(nodes, parts, { parent: id, isExit }),
      onError: step.onError,
      isExit,
    });
    return id;
  });
}
