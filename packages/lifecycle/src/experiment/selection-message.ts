/** What is said of a selection. */
import { defined } from '@chaosplane/common/pure';
import type { ExperimentSpec, TargetStatus } from '@chaosplane/api';
import type { Candidate, Selection } from './select.ts';

/** How many were chosen, or why none was; and what was asked for and is not there. */
export function selectionMessage({ chosen, skipped, absent }: Selection, spec: Pick<ExperimentSpec, 'target'>): string {
  const missing = absent.length === 0 ? '' : `not there: ${absent.join(', ')}`;
  if (chosen.length > 0) {
    const count = `${chosen.length} of ${chosen.length + skipped.length} ${kindWord(spec)}s`;
    return missing === '' ? count : `${count}; ${missing}`;
  }
  const where = spec.target.kind === 'Node' ? '' : ` of the namespace ${spec.target.namespace}`;
  const reasons = [...new Set(skipped.map(({ why }) => why))].slice(0, 3);
  const told = [missing, ...reasons].filter(Boolean).join('; ') || `there are no ${kindWord(spec)}s at all`;
  return `no ${kindWord(spec)}${where} fits: ${told}`;
}

/** A candidate that was chosen. */
export function asTarget({ namespace, name, uid, node, bootId }: Candidate): TargetStatus {
  const where = { ...defined({ node, bootId }) };
  return { namespace, name, uid, ...where, state: 'Selected' };
}

/** What is hit, as a word. */
export function kindWord({ target }: Pick<ExperimentSpec, 'target'>): string {
  return target.kind.toLowerCase();
}
