/** The pods or nodes of the cluster, as candidates for an experiment. Pure. */
import { defined } from '@chaosplane/common';
import type { Candidate } from '@chaosplane/lifecycle';
import type { ExperimentSpec } from '@chaosplane/api';
import type { Node, Pod } from '@chaosplane/kube';
import { lastingContainers } from './container.ts';

/** Where candidates are found; only the kind of the target is read. */
export interface CandidateSources {
  readonly pods: () => readonly Pod[];
  readonly nodes: () => readonly Node[];
}

/** Everything of the kind that the experiment hits, with what decides whether it may be hit. */
export function candidatesOf(
  { target }: Pick<ExperimentSpec, 'target'>,
  { pods, nodes }: CandidateSources,
): Candidate[] {
  return target.kind === 'Node' ? nodes().map(nodeCandidate) : pods().map(podCandidate);
}

function podCandidate(pod: Pod): Candidate {
  const { metadata, spec } = pod;
  const why = whyNotRunning(pod);
  return {
    ...known(metadata),
    running: why === undefined,
    ...defined({ notRunning: why }),
    containers: lastingContainers(pod).map(({ name }) => name),
    hostNetwork: spec?.hostNetwork === true,
    ...(spec?.nodeName === undefined ? {} : { node: spec.nodeName }),
  };
}

/** A pod on its way out says Running, and even Ready, until its last container has ended; one whose containers all crash says Running too. */
function whyNotRunning({ metadata, spec, status }: Pod): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return 'on its way out';
  if (status?.phase !== 'Running' || spec?.nodeName === undefined) return 'not running';
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  const runs = all.length === 0 || all.some(({ state }) => state?.running !== undefined);
  return runs ? undefined : 'not running: none of its containers does';
}

/** Cordoned or not, of the control plane or not: who is not to be hit is not chosen by names and labels. */
function nodeCandidate({ metadata, status }: Node): Candidate {
  const bootId = status?.nodeInfo?.bootID ?? '';
  const ready = (status?.conditions ?? []).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
  return {
    ...known(metadata),
    running: ready && metadata.deletionTimestamp === undefined,
    hostNetwork: false,
    node: metadata.name,
    ...(bootId === '' ? {} : { bootId }),
  };
}

function known({ namespace = '', name, uid = '', labels = {} }: Pod['metadata']) {
  return { namespace, name, uid, labels };
}
