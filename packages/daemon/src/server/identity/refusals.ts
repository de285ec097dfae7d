/** Why a call over TCP was refused, as it is logged and counted. */

import type { status } from '@grpc/grpc-js';

/** The closed list. */
export const refusalReasons = [
  'certificate-missing',
  /** Not one for clients. */
  'certificate-usage',
  /** Of another user. */
  'certificate-name',
  /** It has ended since the handshake. */
  'certificate-expired',
  'token-missing',
  /** The API server does not know it, or for another audience. */
  'token-invalid',
  /** Of another account. */
  'token-account',
  /** No API server could say whether the token is good. */
  'review-unavailable',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** A refusal, as its caller is told. */
export interface Refusal {
  readonly code: status;
  readonly reason: RefusalReason;
  readonly details: string;
}

/** Counts a refusal. */
export type CountRefusal = (reason: RefusalReason) => void;
