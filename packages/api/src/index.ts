/** What people write and read. Pure: it runs in a browser, too. */
export { whyAbort } from './experiment/abort.ts';
export { readAsked, type AskedSpec } from './experiment/asked.ts';
export { experimentId, mayBeCut } from './experiment/id.ts';
export type { ExperimentObject, ShardObject } from './experiment/object.ts';
export { parseExperiment, type Place } from './experiment/parse.ts';
export { experimentReasons, type ExperimentConditionType } from './experiment/reasons.ts';
export { countLatencies, formatLatency, quantile, withLatency } from './experiment/latencies.ts';
export { passRate, type Latencies, type ProbeSamples, type SeriesPoint, type Taken } from './experiment/samples.ts';
export * from './experiment/spec.ts';
export * from './experiment/status-document.ts';
export * from './experiment/status.ts';
export * from './kinds.ts';
export {
  CAPABILITIES_ANNOTATION,
  formatCapabilities,
  parseCapabilities,
  type NodeCapabilities,
} from './node/capabilities.ts';
export type { PolicyObject } from './policy/object.ts';
export {
  builtInProtection,
  parsePolicy,
  readPolicy,
  type BrokenPolicy,
  type KnownPolicy,
  type Policy,
} from './policy/parse.ts';
export { policySpecSchema, type PolicyScope, type PolicySpec, type ProtectedResource } from './policy/spec.ts';
export type { PodLimit } from './policy/limit.ts';
export { weekdays, type TimeWindow, type Weekday } from './policy/window.ts';
export * from './schedule/child.ts';
export { CRON_ALLOWED, hasDay, parseCron, type Calendar, type Every, type Timetable } from './schedule/cron.ts';
export { dstRules, type DstRule } from './schedule/dst.ts';
export { specChangedAt, type ScheduleObject } from './schedule/object.ts';
export { isAlwaysOpen, parseSchedule, runDocument, type ChaosSchedule, type ScheduleSpec } from './schedule/parse.ts';
export { scheduleReasons, type ScheduleConditionType } from './schedule/reasons.ts';
export { concurrencyPolicies, scheduleSpecSchema, type Freeze } from './schedule/spec.ts';
export * from './schedule/status-document.ts';
export * from './schedule/status.ts';
export type { SecretRef } from './probe/header.ts';
export type { HttpProbe } from './probe/http.ts';
export type { KubernetesProbe, ProbedKind } from './probe/kubernetes.ts';
export type { Probe } from './probe/probe.ts';
export type { PrometheusProbe } from './probe/prometheus.ts';
export { BASELINE_SAMPLES, type AbortCondition, type SampledProbe, type Tolerance } from './probe/sampled.ts';
export * from './workflow/child.ts';
export { compileExpression, type Expression, type StepFacts } from './workflow/expression.ts';
export { bindParameters, type ParameterValue, type ParameterValues } from './workflow/parameters.ts';
export { parseWorkflow, type ChaosWorkflow, type WorkflowSpec } from './workflow/parse.ts';
export type { WorkflowObject, WorkflowShardObject } from './workflow/object.ts';
export { workflowReasons, type WorkflowConditionType } from './workflow/reasons.ts';
export { MOST_STEPS, workflowSpecSchema, type WorkflowDocument } from './workflow/spec.ts';
export * from './workflow/status-document.ts';
export * from './workflow/status.ts';
export type { Question, Strategy, WorkflowStep } from './workflow/step.ts';
export { withCondition, type ConditionOf, type Reasons } from './shared/condition.ts';
export { gitopsConditions, gitopsConditionsOfPhase, type EndingStatus, type GitopsState } from './shared/gitops.ts';
export type { PeerSpec } from './shared/peer.ts';
export { whyNoMatch, type LabelSelector } from './shared/selector.ts';
export { API_VERSION } from './shared/version.ts';
