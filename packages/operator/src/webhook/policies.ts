/** What the webhook says of policies, to those who may know it. */
import type { AskedSpec } from '@chaosplane/api';
import type { KubeClient } from '@chaosplane/kube';
import { graphOf, type Finding } from '@chaosplane/lifecycle';
import { experimentsOf, foreseen, foreseenWorkflow, type ForeseeParts } from '../controllers/policy/foresee.ts';
import type { Asker, JudgePolicies, Wanted } from './review.ts';

/** What it is judged with, and what asks for rights. */
export interface PolicyJudgeParts extends ForeseeParts {
  readonly client: Pick<KubeClient, 'list' | 'raw'>;
}

/** How long one review may wait for others and take itself; the API server waits three seconds for the whole answer. Milliseconds. */
const PATIENCE_MS = 2000;

/**
 * Judges as the controller would at this moment, one experiment or workflow at a time. What policies say tells names of pods and numbers of them, and
 * costs something in a large cluster: it is for those alone who may hit the targets. The API server refuses the others after this
 * webhook, by the policy of admission.
 */
export function policyJudge(parts: PolicyJudgeParts): JudgePolicies {
  let last: Promise<unknown> = Promise.resolve();
  return async (wanted, { key, user }) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const { asked, judge } = judged(wanted, key, { parts, signal });
    if (!(await mayHit(user, asked, parts, signal))) return [];
    const turn = last.then(() => {
      signal.throwIfAborted();
      return judge();
    });
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** What is asked of rights, and of policies. */
function judged(
  wanted: Wanted,
  key: string,
  { parts, signal }: { readonly parts: PolicyJudgeParts; readonly signal: AbortSignal },
): { readonly asked: readonly AskedSpec[]; readonly judge: () => Promise<readonly Finding[] | undefined> } {
  if ('target' in wanted) return { asked: [wanted], judge: () => foreseen(wanted, key, parts, signal) };
  const graph = graphOf(wanted.steps, wanted.onExit);
  return {
    asked: experimentsOf(graph),
    judge: () => foreseenWorkflow(graph, wanted.maxParallelism, parts, signal),
  };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/ */
const PATH = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

/** Who hits more places is told by the operator, when the workflow begins: each is a question to the API server. */
const MOST_PLACES = 10;

/** Whether the author may delete all that is hit: the same rights that the policy of admission asks for. */
async function mayHit(
  { username, uid, groups, extra }: Asker,
  asked: readonly AskedSpec[],
  { client }: PolicyJudgeParts,
  signal: AbortSignal,
): Promise<boolean> {
  // A node has no namespace.
  const places = [...new Set(asked.map(({ target }) => (target.kind === 'Node' ? '' : target.namespace)))];
  if (places.length > MOST_PLACES) return false;
  const answers = await Promise.all(
    places.map(async (namespace) => {
      const of = namespace === '' ? { resource: 'nodes' } : { resource: 'pods', namespace };
      const spec = { user: username, uid, groups, extra, resourceAttributes: { verb: 'delete', ...of } };
      const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
      const answer = (await client.raw('POST', PATH, body, { signal })) as {
        readonly status?: { readonly allowed?: boolean };
      };
      return answer.status?.allowed === true;
    }),
  );
  return answers.every(Boolean);
}
