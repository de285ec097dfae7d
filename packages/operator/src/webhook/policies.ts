/** What the webhook says of policies, to those who may know it. */
import type { AskedSpec } from '@chaosplane/api';
import type { KubeClient } from '@chaosplane/kube';
import { foreseen, type ForeseeParts } from '../controllers/policy/foresee.ts';
import type { Asker, JudgePolicies } from './review.ts';

/** What it is judged with, and what asks for rights. */
export interface PolicyJudgeParts extends ForeseeParts {
  readonly client: Pick<KubeClient, 'list' | 'raw'>;
}

/**
 * Judges as the controller would at this moment. What policies say tells names of pods and numbers of them, so it is told to those
 * alone who may hit the targets; the API server refuses the others after this webhook, by the policy of admission.
 */
export function policyJudge(parts: PolicyJudgeParts): JudgePolicies {
  return async (asked, { key, user }) => {
    const findings = await foreseen(asked, key, parts);
    if (findings === undefined || findings.length === 0) return findings;
    return (await mayHit(user, asked, parts)) ? findings : [];
  };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/ */
const PATH = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

/** Whether the author may delete what is hit: the same rights that the policy of admission asks for. */
async function mayHit(
  { username, uid, groups, extra }: Asker,
  { target }: AskedSpec,
  { client }: PolicyJudgeParts,
): Promise<boolean> {
  const of = target.kind === 'Node' ? { resource: 'nodes' } : { resource: 'pods', namespace: target.namespace };
  const spec = { user: username, uid, groups, extra, resourceAttributes: { verb: 'delete', ...of } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const { status } = (await client.raw('POST', PATH, body)) as { readonly status?: { readonly allowed?: boolean } };
  return status?.allowed === true;
}
