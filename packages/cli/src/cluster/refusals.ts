/** What the API server refuses, in words of ChaosPlane: what is missing there, and who may do what was not allowed. Pure. */
import { chaosExperiments } from '@chaosplane/api';
import { ChaosError } from '@chaosplane/common';
import { KubeError } from '@chaosplane/kube';

const API = `/apis/${chaosExperiments.apiVersion}/`;

/** The cluster does not know the kinds of ChaosPlane. */
export class NotInstalled extends ChaosError {
  constructor(context: string, cause: KubeError) {
    const wayOut = 'install the chart (docs/install.md), or choose another cluster by --context';
    super(
      'FAILED_PRECONDITION',
      `the resource definitions of ChaosPlane are not on this cluster (${context}): ${wayOut}`,
      {
        cause,
      },
    );
  }
}

/** The error to throw for a refusal: itself, where there is nothing to add. */
export function refusalOn(context: string): (error: KubeError, request: { readonly path: string }) => Error {
  return (error, { path }) => {
    if (isUnknownKind(error, path)) return new NotInstalled(context, error);
    const words = error.status === 403 ? (rightsWords(error.message) ?? policyWords(error.message)) : undefined;
    if (words === undefined) return error;
    return new KubeError(403, error.reason, words, { cause: error, causes: error.causes });
  };
}

/** No handler serves the path: its answer is no Status, or one without an object. */
function isUnknownKind({ status, reason, message }: KubeError, path: string): boolean {
  if (status !== 404 || !path.startsWith(API)) return false;
  return reason !== 'NotFound' || message.includes('could not find the requested resource');
}

const WHO = 'docs/install.md, "Who may do what"';

/** https://github.com/kubernetes/apiserver, pkg/endpoints/handlers/responsewriters/errors.go: forbiddenMessage. */
const RBAC =
  /User "(?<user>[^"]*)" cannot (?<verb>\S+) resource "(?<resource>[^"]*)" in API group "[^"]*"(?: in the namespace "(?<namespace>[^"]*)")?/;

function rightsWords(message: string): string | undefined {
  const { user = '', verb = '', resource = '', namespace } = RBAC.exec(message)?.groups ?? {};
  if (resource === '') return undefined;
  const where = namespace === undefined ? 'in the whole cluster' : `in the namespace ${namespace}`;
  return `user ${user} may not ${verb} ${resource} ${where}: ${whoMay(resource, verb, namespace)} (${WHO})`;
}

const READS = ['get', 'list', 'watch'];

/** The roles of user-roles.yaml in the chart, which Kubernetes adds to its own. */
function whoMay(resource: string, verb: string, namespace: string | undefined): string {
  const everywhere = namespace === undefined ? ' of the whole cluster' : '';
  switch (resource) {
    case 'chaosexperiments':
    case 'chaosschedules':
    case 'chaosworkflows':
      if (READS.includes(verb)) return `who has the role view, edit or admin${everywhere} may`;
      return `who has the role edit or admin${everywhere} may; a dry run writes one, too`;
    case 'chaosexperimentshards':
    case 'chaosworkflowshards':
      return `who has the role view, edit or admin${everywhere} may`;
    case 'blastradiuspolicies':
      return READS.includes(verb)
        ? 'who has the role view of the whole cluster may'
        : 'only cluster-admin writes policies, and so has the kill switch';
    case 'nodes':
      return 'cluster-admin may, and who was given it; explain tells of the nodes of an experiment without that';
    default:
      return 'ask an administrator of the cluster';
  }
}

/** The name of the object, which may be that of a dry run, is left out. */
function policyWords(message: string): string | undefined {
  const said = /ValidatingAdmissionPolicy '[^]*/.exec(message)?.[0];
  return said === undefined ? undefined : `${said} (${WHO})`;
}
