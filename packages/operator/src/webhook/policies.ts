/** What the webhook says of policies, to those who may know it. */
import type { AskedSpec } from '@chaosplane/api';
import type { KubeClient } from '@chaosplane/kube';
import { foreseen, type ForeseeParts } from '../controllers/policy/foresee.ts';
import type { Asker, JudgePolicies } from './review.ts';

/** What it is judged with, and what asks for rights. */
export interface PolicyJudgeParts extends ForeseeParts {
  readonly client: Pick<KubeClient, 'list' | 'raw'>;
}

/** How long one review may wait for others and take itself; the API server waits three seconds for the whole answer. Milliseconds. */
const PATIENCE_MS = 2000;

/**
 * Judges as the controller would at this moment, one experiment at a time. What policies say tells names of pods and numbers of them, and
 * costs something in a large cluster: it is for those alone who may hit the targets. The API server refuses the others after this
 * webhook, by the policy of admission.
 */
export function policyJudge(parts: PolicyJudgeParts): JudgePolicies {
  let last: Promise<unknown> = Promise.resolve();
  return async (asked, { key, user }) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    if (!(await mayHit(user, asked, parts, signal))) return [];
    const turn = last.then(() => {
      signal.throwIfAborted();
      return foreseen(asked, key, parts, signal);
    });
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/ */
const PATH = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

/** Whether the author may delete what is hit: the same rights that the policy of admission asks for. */
async function mayHit(
  { username, uid, groups, extra }: Asker,
  { target }: AskedSpec,
  { client }: PolicyJudgeParts,
  signal: AbortSignal,
): Promise<boolean> {
  const of = target.kind === 'Node' ? { resource: 'nodes' } : { resource: 'pods', namespace: target.namespace };
  const spec = { user: username, uid, groups, extra, resourceAttributes: { verb: 'delete', ...of } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const answer = (await client.raw('POST', PATH, body, { signal })) as {
    readonly status?: { readonly allowed?: boolean };
  };
  return answer.status?.allowed === true;
}
