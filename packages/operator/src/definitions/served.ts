/** Whether the API server serves what a resource definition says. */
import {
  KubeError,
  resourceName,
  resourceType,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from '@chaosplane/kube';
import { customResourceDefinitions, type Definition, type Schema } from './definition.ts';
import { fieldsMissing } from './union.ts';

/** What is not there yet of a definition, in words. */
export async function whyNotServed(
  { metadata: { name }, spec }: Definition,
  client: Pick<KubeClient, 'get' | 'list' | 'raw'>,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { status } = (await client.get(customResourceDefinitions, { name }, { signal })) ?? {};
  for (const type of ['NamesAccepted', 'Established']) {
    const condition = status?.conditions?.find((each) => each.type === type);
    if (condition?.status !== 'True') return `it is not ${type}${condition?.message ? `: ${condition.message}` : ''}`;
  }
  for (const version of spec.versions.filter(({ served }) => served)) {
    const apiVersion = `${spec.group}/${version.name}`;
    const published = await publishedDocument(apiVersion, client, signal);
    const schema = publishedSchema(published, { ...spec, version: version.name });
    const missing = fieldsMissing(schema ?? {}, version.schema?.openAPIV3Schema ?? {});
    if (missing.length > 0) return `the OpenAPI document of ${apiVersion} lacks ${missing.join(', ')}`;
    const { kind, plural } = spec.names;
    const type = resourceType({ apiVersion, kind, plural, namespaced: spec.scope === 'Namespaced' });
    if (!(await isListed(type, client, signal))) return `${resourceName(type)} cannot be listed`;
  }
  return undefined;
}

/** Whether the API server lists the objects of a kind already. */
export async function isListed(
  type: ResourceType<KubeObject>,
  client: Pick<KubeClient, 'list'>,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await passing(() => client.list(type, { limit: 1, signal }))) !== undefined;
}

interface OpenApiIndex {
  readonly paths?: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

/** As kubectl finds it: by the hash in the index, which changes a moment after the document has. Then the older hash is sent elsewhere. */
async function publishedDocument(
  apiVersion: string,
  client: Pick<KubeClient, 'raw'>,
  signal: AbortSignal | undefined,
): Promise<OpenApi | undefined> {
  const index = (await passing(() => client.raw('GET', '/openapi/v3', undefined, { signal }))) as
    OpenApiIndex | undefined;
  const url = index?.paths?.[`apis/${apiVersion}`]?.serverRelativeURL;
  if (url === undefined) return undefined;
  return (await passing(() => client.raw('GET', url, undefined, { signal }))) as OpenApi | undefined;
}

/**
 * The answer, or undefined while the API server has none yet: 404 before it knows the kind, 429 and 5xx while it makes its storage,
 * a redirection from a document that is another one by now.
 */
async function passing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    const { status } = error as KubeError;
    const passes = status === 404 || status === 429 || status >= 500 || (status >= 300 && status < 400);
    if (error instanceof KubeError && passes) return undefined;
    throw error;
  }
}

interface OpenApi {
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

/** The schema of a kind; the document says of each schema whose it is. */
function publishedSchema(
  document: OpenApi | undefined,
  { group, version, names: { kind } }: { group: string; version: string; names: { kind: string } },
): Schema | undefined {
  const schemas = Object.values(document?.components?.schemas ?? {});
  const isOf = (named: Partial<Record<'group' | 'version' | 'kind', string>>): boolean =>
    named.group === group && named.version === version && named.kind === kind;
  return schemas.find((schema) => {
    const owners = schema['x-kubernetes-group-version-kind'];
    return Array.isArray(owners) && owners.some(isOf);
  });
}
