/** What expressions of a workflow are told of its steps. Pure. */
import {
  compileExpression,
  stateOf,
  type Expression,
  type NodeId,
  type NodeState,
  type Question,
  type StepFacts,
  type WorkflowState,
} from '@chaosplane/api';
import type { Graph } from './graph.ts';
import type { Evaluated } from './turn.ts';

/** Evaluates the expressions of a workflow that is as `state` says at that time. Each is understood once. */
export function evaluatorOf(
  graph: Graph,
  state: () => Pick<WorkflowState, 'nodes'>,
): (question: Question, node: NodeId) => Evaluated {
  const understood = new Map<Question, Expression>();
  const expressionOf = (question: Question): Expression => {
    const known = understood.get(question);
    if (known !== undefined) return known;
    const compiled = compileExpression(question.text, question);
    if (!('evaluate' in compiled)) throw new Error(`${question.text}: column ${compiled.column}: ${compiled.wrong}`);
    understood.set(question, compiled);
    return compiled;
  };
  return (question, node) => {
    const nodes = state();
    const steps = question.steps.flatMap((name): [string, StepFacts][] => {
      const id = nodeNamed(graph, name, node);
      return id === undefined ? [] : [[name, factsOf(stateOf(nodes, id))]];
    });
    return expressionOf(question).evaluate({ steps: Object.fromEntries(steps), parameters: question.values });
  };
}

/** The step that another one calls so: the one beside it, or beside what it is a part of, from within; of the exit, also a first one. */
export function nodeNamed({ nodes, roots }: Graph, name: string, from: NodeId): NodeId | undefined {
  for (let at: NodeId | undefined = from; at !== undefined;) {
    const parent: NodeId | undefined = nodes.get(at)?.parent;
    const beside = parent === undefined ? at.slice(0, at.lastIndexOf('/') + 1) : `${parent}/`;
    if (nodes.has(`${beside}${name}`)) return `${beside}${name}`;
    at = parent;
  }
  return roots.includes(name) ? name : undefined;
}

function factsOf({ phase, attempt, message, result }: NodeState): StepFacts {
  const { verdict, value, measured = {} } = result ?? {};
  const { successRate, p50, p95, longestOutage, timeToDetect, timeToRecover } = measured;
  return {
    ...{ phase, message, verdict, value, attempts: attempt },
    ...{ successRate, p50, p95, longestOutage, timeToDetect, timeToRecover },
  };
}
