/** The policies of the cluster, each read once when it changes. */
import { readPolicy, type KnownPolicy, type PolicyObject } from '@chaosplane/api';
import type { Logger } from '@chaosplane/common';
import type { Informer } from '@chaosplane/kube';

/** The policies, as they are understood. */
export interface KnownPolicies {
  /** Those that are built in, then those of the cluster by their names; undefined until the API server has told them. */
  current(): readonly KnownPolicy[] | undefined;
  /** Whether one of them is a kill switch. */
  halts(): boolean;
}

/** What the policies are read with. */
export interface KnownParts {
  readonly policies: Pick<Informer<PolicyObject>, 'onChange' | 'synced'>;
  readonly builtIn: readonly KnownPolicy[];
  readonly logger: Logger;
}

/** Tells in the log which policy cannot be understood, because nothing in its scope is allowed then. */
export function createKnownPolicies({ policies, builtIn, logger }: KnownParts): KnownPolicies {
  const read = new Map<string, KnownPolicy>();
  let current: readonly KnownPolicy[] = builtIn;
  policies.onChange(({ type, object }) => {
    const { name } = object.metadata;
    if (type === 'deleted') read.delete(name);
    else {
      const policy = readPolicy(object);
      if ('broken' in policy) logger.warn({ policy: name, reason: policy.broken }, 'policy not understood');
      read.set(name, policy);
    }
    current = inOrder(builtIn, [...read.values()]);
  });
  return {
    current: () => (policies.synced ? current : undefined),
    halts: () => current.some((policy) => !('broken' in policy) && policy.spec.halt),
  };
}

/** Those that are built in, then those of the cluster by their names. */
export function inOrder(builtIn: readonly KnownPolicy[], read: readonly KnownPolicy[]): readonly KnownPolicy[] {
  return [...builtIn, ...read.toSorted((a, b) => (a.name < b.name ? -1 : 1))];
}
