/**
 * Asks a real API server what expressions mean. They are the validation rules of a resource definition whose objects have the steps and
 * the parameters of a workflow as fields, with types: what is refused before is named, all of it, when the definition is made; what is
 * false and what is an error, all of it, when an object with the facts is made. Three requests answer for any number of expressions.
 */
import { randomBytes } from 'node:crypto';
import { KubeError, resourceType, type KubeClient, type KubeObject } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import type { StepFacts } from '../../src/workflow/expression.ts';
import type { ParameterValues } from '../../src/workflow/parameters.ts';

/** What becomes of an expression: it is true, false, an error when it is evaluated, refused before, or too dear for the API server. */
export type Meaning = 'true' | 'false' | 'error' | 'refused' | 'too dear';

/** An answer, with the words of the API server where it is an error or refused. */
export interface Answer {
  readonly meaning: Meaning;
  readonly message?: string;
}

/** What the expressions are about. */
export interface Facts {
  readonly steps: Readonly<Record<string, StepFacts>>;
  readonly parameters: ParameterValues;
  readonly types: readonly { readonly name: string; readonly type: 'string' | 'integer' | 'boolean' | 'duration' }[];
}

const string = { type: 'string', maxLength: 100 };
// The API server makes a Duration of CEL of it.
const duration = { type: 'string', format: 'duration', maxLength: 20 };
const integer = { type: 'integer', format: 'int64' };
const number = { type: 'number', format: 'double' };
const boolean = { type: 'boolean' };

const measured = { successRate: number, p50: duration, p95: duration, longestOutage: duration };
const step = {
  ...{ phase: string, verdict: string, message: string, value: boolean, attempts: integer },
  ...{ timeToDetect: duration, timeToRecover: duration, measured: { type: 'object', properties: measured } },
};

const crds = resourceType<KubeObject & { readonly spec: object }>({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
});

/** What each expression means to the API server. `steps` and `parameters` are fields there, so that `self.` is put before them. */
export async function askApiServer(
  client: KubeClient,
  expressions: readonly string[],
  facts: Facts,
): Promise<readonly Answer[]> {
  const group = `x${randomBytes(4).toString('hex')}.chaosplane.test`;
  const definition = definitionOf(group, facts);
  const rules = expressions.map((text, index) => ({ rule: fromSelf(text), message: `it is false: ${index}` }));

  const refused = new Map<number, string>();
  for (const { field = '', message = '' } of await causesOf(client.create(crds, definition(rules), { dryRun: true }))) {
    const index = /validations\[(\d+)\]/.exec(field)?.[1];
    if (index !== undefined) refused.set(Number(index), message);
  }

  const understood = rules.filter((_rule, index) => !refused.has(index));
  await client.create(crds, definition(understood));
  const type = resourceType<KubeObject & { readonly spec: object }>({
    ...{ apiVersion: `${group}/v1`, kind: 'Asked', plural: 'askeds', namespaced: false },
  });
  const object = { apiVersion: type.apiVersion, kind: type.kind, metadata: { name: 'facts' }, spec: specOf(facts) };
  const causes = await eventually('the definition is served', async () => {
    try {
      return await causesOf(client.create(type, object, { dryRun: true }));
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  });
  await client.delete(crds, { name: `askeds.${group}` });

  return expressions.map((_text, index): Answer => {
    const why = refused.get(index);
    if (why?.startsWith('Forbidden: ') === true) return { meaning: 'too dear', message: why };
    if (why !== undefined) return { meaning: 'refused', message: why };
    const found = causes.find(({ message = '' }) => message.endsWith(`it is false: ${index}`))?.message;
    if (found === undefined) return { meaning: 'true' };
    return found.includes(' evaluating rule: ') ? { meaning: 'error', message: found } : { meaning: 'false' };
  });
}

/** What an API server has against an object; nothing where it takes it. */
async function causesOf(created: Promise<unknown>): Promise<KubeError['causes']> {
  try {
    await created;
    return [];
  } catch (error) {
    if (error instanceof KubeError && error.status === 422) return error.causes;
    throw error;
  }
}

const fromSelf = (text: string): string => text.replaceAll(/(?<![.\w"'])(steps|parameters)\b(?!["'(])/g, 'self.$1');

function definitionOf(group: string, { types }: Facts) {
  const parameter = { string, integer, boolean, duration };
  const properties = Object.fromEntries(types.map(({ name, type }) => [name, parameter[type]]));
  const steps = { type: 'object', maxProperties: 10, additionalProperties: { type: 'object', properties: step } };
  return (rules: readonly object[]) => {
    const spec = {
      type: 'object',
      properties: { steps, parameters: { type: 'object', properties } },
      'x-kubernetes-validations': rules,
    };
    const openAPIV3Schema = { type: 'object', properties: { spec } };
    return {
      ...{ apiVersion: crds.apiVersion, kind: crds.kind, metadata: { name: `askeds.${group}` } },
      spec: {
        ...{ group, scope: 'Cluster', names: { kind: 'Asked', plural: 'askeds', singular: 'asked' } },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
      },
    };
  };
}

/** The facts as fields; milliseconds are durations. */
function specOf({ steps, parameters }: Facts): object {
  const ms = (value: number | undefined): string | undefined => (value === undefined ? undefined : `${value}ms`);
  const entries = Object.entries(steps).map(([name, { successRate, p50, p95, longestOutage, ...facts }]) => [
    name,
    {
      ...{ ...facts, timeToDetect: ms(facts.timeToDetect), timeToRecover: ms(facts.timeToRecover) },
      measured: { successRate, p50: ms(p50), p95: ms(p95), longestOutage: ms(longestOutage) },
    },
  ]);
  return { steps: Object.fromEntries(entries) as object, parameters };
}
