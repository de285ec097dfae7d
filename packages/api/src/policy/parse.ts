/** How a document becomes a BlastRadiusPolicy, with every problem named at once. Pure. */
import { ChaosError, invalidArgument } from '@chaosplane/common/pure';
import * as z from 'zod';
import { problemsOf } from '../shared/problems.ts';
import type { PolicyObject } from './object.ts';
import { policySchema, policyScope, policySpecSchema, type PolicyScope, type PolicySpec } from './spec.ts';

/** A policy that is to be held. */
export interface Policy {
  readonly name: string;
  readonly spec: PolicySpec;
}

/** A policy that cannot be understood: what it demands is not known, so nothing in its scope is allowed. */
export interface BrokenPolicy {
  readonly name: string;
  readonly broken: string;
  /** As far as it can be read; otherwise everything is in it. */
  readonly spec: Pick<PolicySpec, 'enforcement' | 'scope'>;
}

/** A policy, understood or not. */
export type KnownPolicy = Policy | BrokenPolicy;

/**
 * A document, as YAML or JSON gave it, as a policy.
 * @throws ChaosError INVALID_ARGUMENT with every problem.
 */
export function parsePolicy(document: unknown): Policy {
  const parsed = policySchema.safeParse(document, { reportInput: true });
  if (parsed.data === undefined)
    throw invalidArgument('the policy', parsed.error.issues.flatMap(problemsOf).map(documented));
  return { name: parsed.data.metadata.name, spec: parsed.data.spec };
}

/** The page of policies, where the one of experiments is meant by default. */
const documented = <Told extends { readonly allowed: string }>(problem: Told): Told => ({
  ...problem,
  allowed: problem.allowed.replace('docs/experiments.md', 'docs/policies.md'),
});

/** A policy of the API server; what it lets pass may be of another version. */
export function readPolicy({ apiVersion, kind, metadata, spec }: PolicyObject): KnownPolicy {
  const { name } = metadata;
  try {
    return parsePolicy({ apiVersion, kind, metadata: { name }, spec });
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return { name, broken: error.message, spec: legible(spec) };
  }
}

const EVERYTHING: PolicyScope = {};

/** What can be read of a spec all the same. Audit was chosen so that nothing is refused, and a scope limits what is. */
function legible(spec: unknown): BrokenPolicy['spec'] {
  const { data: fields } = z.looseObject({ scope: z.unknown().optional() }).safeParse(spec);
  const { data: scope = EVERYTHING } = policyScope.safeParse(fields?.scope ?? {});
  return { enforcement: fields?.['enforcement'] === 'Audit' ? 'Audit' : 'Enforce', scope };
}

/** The policy that is there without an object: these namespaces are never hit. Nodes are, although some of their pods run on each. */
export function builtInProtection(namespaces: readonly string[]): Policy {
  const protectedResources = namespaces.length === 0 ? [] : [{ namespaces: [...namespaces], includeNodes: false }];
  // No object can have a name with a space.
  return { name: 'built-in protection', spec: policySpecSchema.parse({ protectedResources }) };
}
