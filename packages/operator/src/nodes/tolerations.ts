/** Whether pods tolerate a taint, as the taint eviction controller sees it. Pure. */
import type { Pod, Taint, Toleration } from '@chaosplane/kube';

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#concepts */
function tolerates({ key = '', operator = '', value = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (operator === '' || operator === 'Equal') && value === (taint.value ?? '');
}

/**
 * How long a pod stays on a node with that taint of the effect NoExecute, in seconds: 0 when it does not tolerate it, Infinity
 * when it does. Of several tolerations that match, the first one counts.
 */
export function toleratedSeconds({ spec }: Pod, taint: Taint): number {
  const found = (spec?.tolerations ?? []).find((toleration) => tolerates(toleration, taint));
  return found === undefined ? 0 : Math.max(0, found.tolerationSeconds ?? Infinity);
}
