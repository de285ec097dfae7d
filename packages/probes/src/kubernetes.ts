/** The probe `k8s`: how many objects are ready, against how many should be. */
import type { KubernetesProbe } from '@chaosplane/api';
import { countOf, formatDuration } from '@chaosplane/common';
import type { Measured, Prober } from './prober.ts';
import { readinessOf, type Readiness } from './readiness.ts';
import { causeOf } from './words.ts';

/**
 * Counts once. `pass` and `fail`: enough are ready, or not. `error`: the objects could not be read within the timeout, or there is
 * none to judge.
 */
export async function askKubernetes(probe: KubernetesProbe, prober: Prober): Promise<Measured> {
  const { kind, names, labelSelector, timeout } = probe;
  const { objects } = prober;
  if (objects === undefined)
    return { outcome: 'error', message: `there is no cluster here whose ${kind}s could be counted` };
  const limit = AbortSignal.timeout(timeout);
  const found: Readiness[] = [];
  try {
    const signal = AbortSignal.any([prober.signal, limit]);
    for await (const page of objects({ kind, names, labelSelector }, signal))
      found.push(...page.map(readinessOf[kind]));
  } catch (error) {
    const why = limit.aborted ? `no answer within ${formatDuration(timeout)}` : causeOf(error);
    return { outcome: 'error', message: `the ${kind}s could not be counted: ${why}` };
  }
  return judgeReadiness(found, probe);
}

type Question = Pick<KubernetesProbe, 'kind' | 'names' | 'ready'>;

/** Compares what was found with what is asked for. What is asked for by its name and is not there counts as not ready. Pure. */
export function judgeReadiness(
  found: readonly Readiness[],
  { kind, names, ready: { count, share } }: Question,
): Measured {
  const there = new Set(found.map(({ name }) => name));
  const missing = (names ?? []).filter((name) => !there.has(name));
  if (found.length === 0 && count !== 0) {
    const which = names === undefined ? 'with these labels' : `called ${names.join(', ')}`;
    return { outcome: 'error', message: `there is no ${kind} ${which}` };
  }
  const all = [...found, ...missing.map((name) => ({ name, ready: 0, wanted: 1, why: 'it is not there' }))];
  const sum = (of: (one: Readiness) => number): number => all.reduce((total, one) => total + of(one), 0);
  const ready = sum((one) => one.ready);
  const wanted = sum((one) => one.wanted);
  if (share !== undefined && wanted === 0)
    return {
      outcome: 'error',
      message: `of the ${countOf(found.length, kind)} no pods are wanted, so there is no share`,
    };
  const needed = count ?? Math.ceil((wanted * (share ?? 0)) / 100);
  const what = `${ready} of ${wanted} ${counted(kind, found.length)} are ready`;
  const asked = share === undefined ? `${needed}` : `${needed} (${share}%)`;
  if (ready >= needed) return { outcome: 'pass', message: `${what}, at least ${asked} were asked for` };
  return { outcome: 'fail', message: `${what}, not at least ${asked}${reasons(all)}` };
}

function counted(kind: Question['kind'], objects: number): string {
  switch (kind) {
    case 'Pod':
    case 'Node':
    case 'Job':
      return `${kind}s`;
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
      return `pods of ${countOf(objects, kind)}`;
  }
}

/** Of the first three that are not ready. */
function reasons(all: readonly Readiness[]): string {
  const told = all.filter(({ why }) => why !== undefined).map(({ name, why = '' }) => `${name}: ${why}`);
  if (told.length === 0) return '';
  const more = told.length > 3 ? `, and ${told.length - 3} more` : '';
  return ` (${told.slice(0, 3).join('; ')}${more})`;
}
