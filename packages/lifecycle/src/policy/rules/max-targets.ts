/** No more targets at the same time, of all experiments together. */
import { countOf } from '@chaosplane/common/pure';
import type { Case } from '../case.ts';

/** Counts what other experiments hit in the scope as well, or many small ones would be a way around it. */
export function maxTargets({ policy, request, cluster }: Case): string | undefined {
  const { maxTargets: most } = policy.spec.targetLimits;
  if (most === undefined) return undefined;
  const own = request.targets.length;
  const others = cluster
    .others()
    .map((each) => ({ name: each.name, count: each.covered(policy) }))
    .filter(({ count }) => count > 0);
  const total = others.reduce((sum, { count }) => sum + count, own);
  if (total <= most) return undefined;
  const [first, ...more] = others;
  const told =
    first === undefined
      ? ''
      : `, ${total - own} of ${first.name}${more.length > 0 ? ` and ${countOf(more.length, 'other')}` : ''}`;
  return `${countOf(total, 'target')} at the same time would be more than ${most}: ${own} of this experiment${told}`;
}
