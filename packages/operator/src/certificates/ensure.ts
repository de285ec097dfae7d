/** Brings the Secrets of an installation about: what is there and good is never touched. */
import { ChaosError, type Clock, type Logger } from '@chaosplane/common';
import { isAlreadyExists, isConflict, secrets, type KubeClient } from '@chaosplane/kube';
import {
  authoritiesOf,
  authoritySecret,
  isRotating,
  nextStep,
  stepped,
  trustBundle,
  type Authorities,
  type Step,
} from './authorities.ts';
import { authorityFault, leafFault } from './check.ts';
import { AUTHORITY_LIFE_MS, createAuthority, issue, LEAF_LIFE_MS } from './issue.ts';
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

/** How long leaves live, and how long their readers take. */
export interface LeafLife {
  /** Default one year. Milliseconds. */
  readonly lifeMs?: number;
  /** A leaf that ends sooner is replaced. Default a third of its life. Milliseconds. */
  readonly renewBeforeMs?: number;
  /** How long every reader has for a changed Secret before the next step to another authority. Default 5 minutes. Milliseconds. */
  readonly settleMs?: number;
}

/** A kubelet brings a changed Secret within about two minutes; once in a minute the operator tells the API server which ones to trust. */
export const SETTLE_MS = 5 * 60_000;

/** What became of each Secret; `told`: its pair stays, and its readers trust others than before. */
export type Ensured = Readonly<Record<string, 'created' | 'kept' | 'replaced' | 'told' | Step>>;

/** Others that ensure at the same time win at most a few times, since each of them leaves good Secrets behind. */
const ATTEMPTS = 10;

/**
 * Creates what is missing, replaces leaves that cannot stay, and takes the one step to another authority that is due: see
 * `authorities.ts`. Two at once agree: who comes second takes what is there.
 * @throws ChaosError FAILED_PRECONDITION when the authority that is there cannot sign: replacing it by itself would cut
 * the operator off from every daemon.
 */
export async function ensureCertificates(
  parts: CertificateParts,
  names: CertificateNames,
  life: LeafLife = {},
): Promise<Ensured> {
  const [authorities, became] = await ensureAuthority(parts, names.namespace, life);
  const ensured: Record<string, Ensured[string]> = { [AUTHORITY_SECRET]: became };
  for (const leaf of leavesOf(names)) {
    ensured[leaf.secret] = await ensureLeaf(parts, names.namespace, authorities, leaf, life);
  }
  const isChanged = Object.values(ensured).some((each) => each !== 'kept');
  if (isRotating(authorities) && (isChanged || authorities.toldAt === undefined)) {
    await noteTold(parts, names.namespace, authorities);
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
  { client, clock, logger, signal }: CertificateParts,
  namespace: string,
  { settleMs = SETTLE_MS }: LeafLife,
): Promise<readonly [Authorities, 'created' | 'kept' | Step]> {
  const ref = { name: AUTHORITY_SECRET, namespace };
  const options = signal === undefined ? {} : { signal };
  const fresh = () => createAuthority({ now: clock.now() });
  return attempt(AUTHORITY_SECRET, async () => {
    const there = await client.get(secrets, ref, options);
    if (there === undefined) {
      const first = { current: await fresh(), rotationAsked: false };
      await client.create(secrets, authoritySecret(namespace, first), options);
      return [first, 'created'];
    }
    const authorities = authoritiesOf(there);
    const fault = authorityFault(authorities.current, clock.now());
    if (fault !== undefined) {
      const way = `delete the Secrets ${secretNames.join(', ')}, as far as they are there, and upgrade`;
      throw new ChaosError(
        'FAILED_PRECONDITION',
        `Secret ${namespace}/${AUTHORITY_SECRET}: ${fault}; ${way} the release`,
      );
    }
    const step = nextStep(authorities, { now: clock.now(), settleMs, renewBeforeMs: AUTHORITY_LIFE_MS / 3 });
    if (step === undefined) return [authorities, 'kept'];
    const after = await stepped(step, authorities, fresh);
    // With its resourceVersion: two at once take one step.
    await client.replace(secrets, authoritySecret(namespace, after, there), options);
    logger.warn({ secret: AUTHORITY_SECRET, step }, 'another authority');
    return [after, step];
  });
}

/** From now on readers have the time that they need. Nothing is noted when another program has taken a step since. */
async function noteTold(
  { client, clock, signal }: CertificateParts,
  namespace: string,
  told: Authorities,
): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  await attempt(AUTHORITY_SECRET, async () => {
    const there = await client.get(secrets, { name: AUTHORITY_SECRET, namespace }, options);
    if (there === undefined) return;
    const authorities = authoritiesOf(there);
    if (trustBundle(authorities) !== trustBundle(told)) return;
    await client.replace(secrets, authoritySecret(namespace, { ...authorities, toldAt: clock.now() }, there), options);
  });
}

async function ensureLeaf(
  { client, clock, logger, signal }: CertificateParts,
  namespace: string,
  authorities: Authorities,
  leaf: Leaf,
  { lifeMs = LEAF_LIFE_MS, renewBeforeMs = lifeMs / 3 }: LeafLife,
): Promise<Ensured[string]> {
  const options = signal === undefined ? {} : { signal };
  return attempt(leaf.secret, async () => {
    const now = clock.now();
    const there = await client.get(secrets, { name: leaf.secret, namespace }, options);
    const { purpose, dnsNames } = leaf;
    const trusted = trustBundle(authorities);
    const wanted = { purpose, dnsNames, now, renewBeforeMs };
    const fault = there && leafFault(pairOf(there), authorities.current, wanted);
    const isGood = there !== undefined && fault === undefined;
    if (isGood && trustedBy(there) === trusted) return 'kept';
    const pair = isGood ? pairOf(there) : await issue(purpose, authorities.current, { ...leaf, now, lifeMs });
    const secret = secretOf(leaf.secret, namespace, pair, trusted);
    if (there === undefined) {
      await client.create(secrets, secret, options);
      return 'created';
    }
    if (!isGood) logger.warn({ secret: leaf.secret, reason: fault }, 'certificate is replaced');
    // With its resourceVersion: another one's replacement is not replaced again.
    await client.replace(secrets, { ...secret, metadata: { ...there.metadata, ...secret.metadata } }, options);
    return isGood ? 'told' : 'replaced';
  });
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
