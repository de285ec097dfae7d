/** What the chart lets its accounts do, and no more: a service account in the namespace of a stage, bound to the roles that helm renders. */
import { join } from 'node:path';
import { createLogger } from '@chaosplane/common';
import { createKubeClient, resourceType, type KubeClient, type KubeObject, type ResourceType } from '@chaosplane/kube';
import { loadCluster } from '@chaosplane/kube/config';
import type { Cluster } from '@chaosplane/testcluster';
import { eventually } from '@chaosplane/testkit/eventually';
import { parseAllDocuments } from 'yaml';

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');
const PLACEHOLDER = 'namespace-of-a-stage';

/** An account of the chart on a stage. */
export interface ChartAccount {
  /** May do what the account may, because the API server takes it for that. */
  readonly client: KubeClient;
  /** Takes away what is in no namespace. */
  close(): Promise<void>;
}

/** An account with its rights, for any namespace. */
export type ChartRights = (client: KubeClient, namespace: string) => Promise<ChartAccount>;

/** An account of the chart, and something that it may do by the last of its roles. */
export interface AccountOfChart {
  readonly name: string;
  readonly template: string;
  readonly may: readonly { readonly group: string; readonly resource: string; readonly verb: string }[];
}

const experiments = { group: 'chaos.chaosplane.io', resource: 'chaosexperiments', verb: 'list' };

export const operatorAccount: AccountOfChart = {
  name: 'chaosplane-operator',
  template: 'templates/operator/rbac.yaml',
  may: [experiments, { group: 'discovery.k8s.io', resource: 'endpointslices', verb: 'create' }],
};

/** Renders its rights once. */
export async function chartRights(cluster: Cluster, account: AccountOfChart = operatorAccount): Promise<ChartRights> {
  const argv = ['template', CHART, '-n', PLACEHOLDER, '-s', account.template];
  const rendered = parseAllDocuments(await cluster.helm(argv))
    .map((document) => JSON.stringify(document.toJS()))
    .filter((text) => /"kind":"(ServiceAccount|(Cluster)?Role(Binding)?)"/.test(text));
  return async (client, namespace) => {
    const objects = rendered.map((text) => JSON.parse(text.replaceAll(PLACEHOLDER, namespace)) as KubeObject);
    // Stages are beside each other, and so are their bindings to the one role of the cluster.
    const own = objects.map((object) =>
      object.kind === 'ClusterRoleBinding'
        ? { ...object, metadata: { name: `${object.metadata.name}-${namespace}` } }
        : object,
    );
    for (const object of own) await client.apply(typeOf(object), object, { fieldManager: 'test', force: true });
    const user = `system:serviceaccount:${namespace}:${account.name}`;
    await eventually(`${account.name} has its rights`, () => mayDo(client, namespace, user, account.may));
    return {
      client: clientAs(cluster, user),
      async close() {
        for (const object of own)
          if (object.kind === 'ClusterRoleBinding') await client.delete(typeOf(object), object.metadata);
      },
    };
  };
}

/** A client that the API server takes for another user. */
export function clientAs(cluster: Cluster, user: string): KubeClient {
  const config = loadCluster({ kubeconfig: cluster.kubeconfig });
  const logger = createLogger({ level: 'silent' });
  const credentials: typeof config.credentials = async () => {
    const options = await config.credentials();
    return { ...options, headers: Object.assign({}, options.headers, { 'Impersonate-User': user }) };
  };
  return createKubeClient({ ...config, credentials }, { logger });
}

const typeOf = ({ apiVersion, kind }: KubeObject): ResourceType<KubeObject> =>
  resourceType({ apiVersion, kind, plural: `${kind.toLowerCase()}s`, namespaced: !kind.startsWith('Cluster') });

/** The API server's authorizer follows the roles in its own time. */
async function mayDo(
  client: KubeClient,
  namespace: string,
  user: string,
  may: AccountOfChart['may'],
): Promise<true | undefined> {
  const groups = ['system:serviceaccounts', 'system:authenticated'];
  for (const each of may) {
    const spec = { user, groups, resourceAttributes: { namespace, ...each } };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const answer = (await client.raw('POST', path, { kind: 'SubjectAccessReview', spec })) as Review;
    if (!answer.status.allowed) return undefined;
  }
  return true;
}

interface Review {
  readonly status: { readonly allowed: boolean };
}
