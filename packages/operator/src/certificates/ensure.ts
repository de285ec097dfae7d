/** Brings the Secrets of an installation about: what is there and good is never touched. */
import { ChaosError, type Clock, type Logger } from '@chaosplane/common';
import { isAlreadyExists, isConflict, secrets, type KubeClient, type Secret } from '@chaosplane/kube';
import { authorityFault, leafFault } from './check.ts';
import { createAuthority, issue, LEAF_LIFE_MS, type Pair } from './issue.ts';
import {
  AUTHORITY_SECRET,
  leavesOf,
  pairOf,
  secretNames,
  secretOf,
  trustedBy,
  type CertificateNames,
  type Leaf,
} from './secrets.ts';

/** What is needed to keep Secrets. */
export interface CertificateParts {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
}

/** How long leaves live. */
export interface LeafLife {
  /** Default one year. Milliseconds. */
  readonly lifeMs?: number;
  /** A leaf that ends sooner is replaced. Default a third of its life. Milliseconds. */
  readonly renewBeforeMs?: number;
}

/** What became of each Secret. */
export type Ensured = Readonly<Record<string, 'created' | 'kept' | 'replaced'>>;

/** Others that ensure at the same time win at most a few times, since each of them leaves good Secrets behind. */
const ATTEMPTS = 10;

/**
 * Creates what is missing and replaces leaves that cannot stay. Two at once agree: who comes second takes what is there.
 * @throws ChaosError FAILED_PRECONDITION when the authority that is there cannot sign: replacing it by itself would cut
 * the operator off from every daemon.
 */
export async function ensureCertificates(
  parts: CertificateParts,
  names: CertificateNames,
  life: LeafLife = {},
): Promise<Ensured> {
  const [authority, became] = await ensureAuthority(parts, names.namespace);
  const ensured: Record<string, Ensured[string]> = { [AUTHORITY_SECRET]: became };
  for (const leaf of leavesOf(names)) {
    ensured[leaf.secret] = await ensureLeaf(parts, names.namespace, authority, leaf, life);
  }
  parts.logger.info({ secrets: ensured }, 'certificates are in place');
  return ensured;
}

/** Deletes the Secrets; those that are gone already are no error. */
export async function removeCertificates(
  { client, logger, signal }: Omit<CertificateParts, 'client'> & { readonly client: Pick<KubeClient, 'delete'> },
  { namespace }: Pick<CertificateNames, 'namespace'>,
): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  for (const name of secretNames) await client.delete(secrets, { name, namespace }, options);
  logger.info({ secrets: secretNames }, 'certificates are removed');
}

async function ensureAuthority(
  { client, clock, signal }: CertificateParts,
  namespace: string,
): Promise<readonly [Pair, 'created' | 'kept']> {
  const ref = { name: AUTHORITY_SECRET, namespace };
  const options = signal === undefined ? {} : { signal };
  return attempt(AUTHORITY_SECRET, async () => {
    const there = await client.get(secrets, ref, options);
    if (there === undefined) {
      const authority = await createAuthority({ now: clock.now() });
      await client.create(secrets, secretOf(AUTHORITY_SECRET, namespace, authority, authority), options);
      return [authority, 'created'];
    }
    const authority = pairOf(there);
    const fault = authorityFault(authority, clock.now());
    if (fault === undefined) return [authority, 'kept'];
    const way = `delete the Secrets ${secretNames.join(', ')}, as far as they are there, and upgrade`;
    throw new ChaosError(
      'FAILED_PRECONDITION',
      `Secret ${namespace}/${AUTHORITY_SECRET}: ${fault}; ${way} the release`,
    );
  });
}

async function ensureLeaf(
  { client, clock, logger, signal }: CertificateParts,
  namespace: string,
  authority: Pair,
  leaf: Leaf,
  { lifeMs = LEAF_LIFE_MS, renewBeforeMs = lifeMs / 3 }: LeafLife,
): Promise<Ensured[string]> {
  const options = signal === undefined ? {} : { signal };
  return attempt(leaf.secret, async () => {
    const now = clock.now();
    const there = await client.get(secrets, { name: leaf.secret, namespace }, options);
    const fault = there && faultOf(there, authority, leaf, { now, renewBeforeMs });
    if (there !== undefined && fault === undefined) return 'kept';
    const pair = await issue(leaf.purpose, authority, { ...leaf, now, lifeMs });
    const secret = secretOf(leaf.secret, namespace, pair, authority);
    if (there === undefined) {
      await client.create(secrets, secret, options);
      return 'created';
    }
    logger.warn({ secret: leaf.secret, reason: fault }, 'certificate is replaced');
    // With its resourceVersion: another one's replacement is not replaced again.
    await client.replace(secrets, { ...secret, metadata: { ...there.metadata, ...secret.metadata } }, options);
    return 'replaced';
  });
}

function faultOf(
  there: Secret,
  authority: Pair,
  { purpose, dnsNames }: Leaf,
  times: { now: number; renewBeforeMs: number },
): string | undefined {
  if (trustedBy(there) !== authority.certificate) return 'its readers are told to trust another authority';
  return leafFault(pairOf(there), authority, { purpose, dnsNames, ...times });
}

/** Again from the start while another program was faster. */
async function attempt<T>(name: string, once: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS; ; left -= 1) {
    try {
      return await once();
    } catch (error) {
      if (!isAlreadyExists(error) && !isConflict(error)) throw error;
      if (left <= 1) throw new ChaosError('ABORTED', `Secret ${name} changes all the time`, { cause: error });
    }
  }
}
