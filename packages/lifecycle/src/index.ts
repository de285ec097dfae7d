/** What happens next to an experiment, and how it is carried out over ports. Pure but for what the ports do. */
export { carryOut } from './carry-out.ts';
export type { Cancelled, Deadlines, Executor, Injected, Peers } from './executor.ts';
export { decide } from './experiment/decide.ts';
export { choosesTargets } from './experiment/dynamic.ts';
export { foresee, isHalted } from './experiment/policy.ts';
export type { PlanRoom, Preview } from './experiment/dry-run.ts';
export * from './experiment/observation.ts';
export { unknownSpec } from './experiment/recovering.ts';
export * from './experiment/select.ts';
export { selectionMessage } from './experiment/selection-message.ts';
export type { PolicyRequest } from './policy/case.ts';
export { judge } from './policy/chain.ts';
export type * from './policy/cluster.ts';
export { denials, toldOf, type Finding } from './policy/finding.ts';
export type { PolicyInput } from './policy/input.ts';
export { covered } from './policy/scope.ts';
export { workloadName } from './policy/workloads.ts';
export * from './schedule/observation.ts';
export { nextRuns, type Planning } from './schedule/planned.ts';
export { comingRuns, planningOf, type Planned } from './schedule/runs.ts';
export { unevenDays, type UnevenDay } from './schedule/uneven.ts';
export { visitSchedule, type MadeRun, type NextVisit, type SchedulePorts } from './schedule/visit.ts';
export { zonedText } from './schedule/zone.ts';
export { evaluatorOf } from './workflow/facts.ts';
export type { WorkflowOutlook } from './workflow/beside.ts';
export { foreseeWorkflow } from './workflow/foresee.ts';
export { graphOf, type Graph, type GraphNode } from './workflow/graph.ts';
export { seenExperimentOf, workflowVerdict } from './workflow/outcome.ts';
export * from './workflow/turn.ts';
export { stateText, stepLine, workflowLines } from './workflow/words.ts';
export { openWorkflow, type Workflow } from './workflow/workflow.ts';
export { TTL_MARGIN_MS } from './experiment/timing.ts';
export { recovered } from './experiment/evidence.ts';
export { TARGET_GONE } from './experiment/effect.ts';
export { changeOf } from './injected.ts';
export { noSamples, withSample, type Sample, type Times } from './samples/fold.ts';
export {
  newDecisionMemory,
  type Injections,
  type DecisionMemory,
  type Next,
  type Ports,
  type ProbePort,
  type StatusStore,
} from './ports.ts';
