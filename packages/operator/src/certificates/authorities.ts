/**
 * The authorities of an installation, and how one takes the place of another while both sides go on. Pure.
 *
 *     announced   the next one is trusted by every reader, and signs nothing yet
 *     signing     it signs; the one before is trusted still
 *     retired     it alone is trusted
 *
 * Between two steps every reader needs the time to hear of the one before: what is shown to a reader is trusted there already.
 */
import { X509Certificate } from 'node:crypto';
import type { Secret } from '@chaosplane/kube';
import { authorityFault } from './check.ts';
import type { Pair } from './issue.ts';
import { AUTHORITY_SECRET, decode, encode, pairOf, secretOf } from './secrets.ts';

/** On the Secret of the authority: an administrator wants another one. Its value means nothing. */
export const ROTATE_ANNOTATION = 'chaosplane.io/rotate';

/** On the same: since when the Secrets of all readers say what follows from it. RFC 3339. */
const SETTLED_ANNOTATION = 'chaosplane.io/told-at';

const KEYS = { nextCertificate: 'next.crt', nextKey: 'next.key', previous: 'previous.crt' } as const;

/** Which authorities an installation trusts. */
export interface Authorities {
  /** It signs. */
  readonly current: Pair;
  /** It will sign. */
  readonly next?: Pair;
  /** It has signed before; nothing has its key any more. PEM. */
  readonly previous?: string;
  /** Since when all Secrets say so, in milliseconds since the epoch; absent: not all do yet. */
  readonly toldAt?: number;
  readonly rotationAsked: boolean;
}

/** What an authority's place passes through. */
export type Step = 'announced' | 'signing' | 'retired';

/** When steps are taken. Milliseconds. */
export interface StepTimes {
  /** Since the epoch. */
  readonly now: number;
  /** How long readers take to hear of a changed Secret at most. */
  readonly settleMs: number;
  /** An authority that ends sooner is replaced. */
  readonly renewBeforeMs: number;
}

/** The one step that is due; undefined: none is, or readers need more time. */
export function nextStep(authorities: Authorities, { now, settleMs, renewBeforeMs }: StepTimes): Step | undefined {
  const { current, next, previous, toldAt } = authorities;
  const isSettled = toldAt !== undefined && now - toldAt >= settleMs;
  if (previous !== undefined) return isSettled ? 'retired' : undefined;
  // One that is spoilt must not sign: its place is taken by another, which is announced again.
  if (next !== undefined && authorityFault(next, now) !== undefined) return 'announced';
  if (next !== undefined) return isSettled ? 'signing' : undefined;
  const left = new X509Certificate(current.certificate).validToDate.getTime() - now;
  return authorities.rotationAsked || left < renewBeforeMs ? 'announced' : undefined;
}

/** The authorities after a step. `fresh` makes another one. */
export async function stepped(step: Step, before: Authorities, fresh: () => Promise<Pair>): Promise<Authorities> {
  const { current, next } = before;
  switch (step) {
    case 'announced':
      return { current, next: await fresh(), rotationAsked: false };
    case 'signing': {
      if (next === undefined) throw new Error('no authority is announced');
      return { current: next, previous: current.certificate, rotationAsked: before.rotationAsked };
    }
    case 'retired':
      return { current, rotationAsked: before.rotationAsked };
  }
}

/** Whether one authority is on its way to take the place of another. */
export const isRotating = ({ next, previous }: Authorities): boolean => (next ?? previous) !== undefined;

/** What every reader is told to trust: PEM, the one that signs first. */
export function trustBundle({ current, next, previous }: Authorities): string {
  return [current.certificate, next?.certificate, previous].filter(Boolean).join('');
}

/** As they stand in their Secret. */
export function authoritiesOf(secret: Secret): Authorities {
  const { data = {}, metadata } = secret;
  const toldAt = Date.parse(metadata.annotations?.[SETTLED_ANNOTATION] ?? '');
  const next = { certificate: decode(data[KEYS.nextCertificate]), key: decode(data[KEYS.nextKey]) };
  const previous = decode(data[KEYS.previous]);
  return {
    current: pairOf(secret),
    ...(next.certificate === '' ? {} : { next }),
    ...(previous === '' ? {} : { previous }),
    ...(Number.isNaN(toldAt) ? {} : { toldAt }),
    rotationAsked: metadata.annotations?.[ROTATE_ANNOTATION] !== undefined,
  };
}

/** Their Secret; over `there`, when there is one, whose other annotations stay. */
export function authoritySecret(namespace: string, authorities: Authorities, there?: Secret): Secret {
  const { current, next, previous, toldAt, rotationAsked } = authorities;
  const secret = secretOf(AUTHORITY_SECRET, namespace, current, trustBundle(authorities));
  const more = {
    [KEYS.nextCertificate]: next?.certificate,
    [KEYS.nextKey]: next?.key,
    [KEYS.previous]: previous,
  };
  const { [SETTLED_ANNOTATION]: _told, [ROTATE_ANNOTATION]: asked = '', ...others } = there?.metadata.annotations ?? {};
  const annotations = {
    ...others,
    ...(toldAt === undefined ? {} : { [SETTLED_ANNOTATION]: new Date(toldAt).toISOString() }),
    ...(rotationAsked ? { [ROTATE_ANNOTATION]: asked } : {}),
  };
  return {
    ...secret,
    metadata: { ...there?.metadata, ...secret.metadata, annotations },
    data: {
      ...secret.data,
      ...Object.fromEntries(
        Object.entries(more).flatMap(([key, text]) => (text === undefined ? [] : [[key, encode(text)]])),
      ),
    },
  };
}
