/** Reads what a probe needs from a Secret of the experiment's namespace, which its owner must have allowed. */
import { ChaosError } from '@chaosplane/common';
import { isForbidden, secrets, type KubeClient } from '@chaosplane/kube';

/** A key of a Secret. */
export interface SecretKey {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
}

/**
 * The value of the key. The operator may read no Secret by itself: a Role of the namespace has to allow each one by its name.
 * @throws Error saying what is missing and what to do, and never what the Secret has: neither values nor names of other keys.
 */
export async function readSecret(
  client: KubeClient,
  { namespace, name, key }: SecretKey,
  signal: AbortSignal,
): Promise<string> {
  const what = `the Secret ${namespace}/${name}`;
  const found = await client.get(secrets, { namespace, name }, { signal }).catch((error: unknown) => {
    if (isForbidden(error))
      throw new Error(
        `the operator may not read ${what}: allow it with a Role, as docs/experiments.md shows for probes`,
      );
    // Its message may hold a part of the answer.
    throw new Error(`${what} could not be read (${codeOf(error)}): try again`);
  });
  if (found === undefined)
    throw new Error(`there is no Secret ${namespace}/${name}: create it, or mend secretKeyRef.name`);
  const data = found.data ?? {};
  if (!Object.hasOwn(data, key)) throw new Error(`${what} has no key ${key}: add it, or mend secretKeyRef.key`);
  return Buffer.from(data[key] ?? '', 'base64').toString('utf8');
}

function codeOf(error: unknown): string {
  return error instanceof ChaosError ? error.code : 'INTERNAL';
}
