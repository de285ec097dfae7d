/** No larger part of a workload, or of the nodes. */
import { countOf } from '@chaosplane/common/pure';
import type { Case } from '../case.ts';
import { isNode } from '../scope.ts';
import { desiredOf, tippedBy } from '../workloads.ts';

/** Of what a workload should have, not of what a selector finds: a narrow selector is no way around it. */
export function maxPercentage(it: Case): string | undefined {
  const { maxPercentage: most } = it.policy.spec.targetLimits;
  if (most === undefined) return undefined;
  return ofNodes(it, most) ?? ofWorkloads(it, most);
}

function ofWorkloads(it: Case, most: number): string | undefined {
  for (const count of it.counts()) {
    const desired = desiredOf(count);
    const hit = count.own + count.others;
    if (hit * 100 > desired * most)
      return `${hit} of ${countOf(desired, 'pod')} of ${count.name} ${isOrAre(hit)} ${percent(hit, desired)}, more than ${most} %: ${tippedBy(count)}`;
  }
  return undefined;
}

function ofNodes({ request, cluster }: Case, most: number): string | undefined {
  const own = new Set(request.targets.filter(isNode).map(({ name }) => name));
  if (own.size === 0) return undefined;
  const others = cluster.nodesHit().filter((name) => !own.has(name)).length;
  const [hit, all] = [own.size + others, cluster.nodeCount()];
  if (hit * 100 <= all * most) return undefined;
  const told = others > 0 ? `, ${others} by others` : '';
  return `${hit} of ${countOf(all, 'node')} ${isOrAre(hit)} ${percent(hit, all)}, more than ${most} %: ${own.size} hit by this experiment${told}`;
}

const isOrAre = (count: number): string => (count === 1 ? 'is' : 'are');

const percent = (part: number, all: number): string => (all === 0 ? 'all' : `${Math.round((part * 100) / all)} %`);
