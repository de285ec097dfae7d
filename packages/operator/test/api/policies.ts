/** Policies and workloads of a stage: policies belong to the whole API server, so each is about the stage's namespace alone. */
import { blastRadiusPolicies } from '@chaosplane/api';
import { pods, refOf, replicaSets, type KubeObject, type ReplicaSet } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import type { Stage, StagePod } from './stage.ts';

/** Writes a policy; `scope` adds to the namespace. */
export async function writePolicy(
  { client, namespace }: Stage,
  name: string,
  { scope = {}, ...spec }: { readonly scope?: object; readonly [field: string]: unknown },
): Promise<KubeObject> {
  const { apiVersion, kind } = blastRadiusPolicies;
  const metadata = { name: `${namespace}-${name}` };
  return client.apply(
    blastRadiusPolicies,
    { apiVersion, kind, metadata, spec: { ...spec, scope: { namespaces: [namespace], ...scope } } },
    { fieldManager: 'test', force: true },
  );
}

export async function deletePolicy({ client, namespace }: Stage, name: string): Promise<void> {
  await client.delete(blastRadiusPolicies, { name: `${namespace}-${name}` });
}

/** None of this stage is left for the next test. */
export async function deletePolicies({ client, namespace }: Stage): Promise<void> {
  const { items } = await client.list(blastRadiusPolicies);
  for (const { metadata } of items)
    if (metadata.name.startsWith(namespace)) await client.delete(blastRadiusPolicies, { name: metadata.name });
}

/** Three pods of a ReplicaSet, which its controller adopts; `web` is their label `app` as well. */
export async function addWorkload(stage: Stage, web: string): Promise<readonly StagePod[]> {
  const { client, namespace, nodes } = stage;
  const staged: StagePod[] = [];
  for (const index of [0, 1, 2])
    staged.push(await stage.addPod(`${web}-${index}`, nodes[index % nodes.length]!, { app: web }));
  const selector = { matchLabels: { app: web } };
  const template = { metadata: { labels: { app: web } }, spec: { containers: [{ name: 'app', image: 'none' }] } };
  const set: ReplicaSet & { readonly spec: { readonly selector: object; readonly template: object } } = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { namespace, name: web },
    spec: { replicas: 3, selector, template },
  };
  await client.create(replicaSets, set);
  for (const { object } of staged)
    await eventually(`${object.metadata.name} is adopted`, async () => {
      const owners = (await client.get(pods, refOf(object)))?.metadata.ownerReferences ?? [];
      return owners.some(({ controller }) => controller === true) ? true : undefined;
    });
  return staged;
}

/** What a kubelet writes when a readiness probe fails. */
export async function makeUnready({ client }: Stage, { object }: StagePod): Promise<void> {
  const body = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
  await client.patch(pods, refOf(object), { kind: 'merge', body }, { subresource: 'status' });
}
