/** Under which path the API server asks. Nothing else tells it from a stranger: it shows no certificate unless it is set up for that. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The path, made of the key of the certificate: every replica knows the same, and who may read neither the Secret nor the
 * configurations of webhooks does not.
 */
export function reviewPath(key: string): string {
  return `/review/${createHmac('sha256', key).update('chaosplane webhook').digest('hex').slice(0, 32)}`;
}

/** Whether it is the path of one of these keys; how long this takes tells nothing of it. */
export function isReviewPath(path: string, keys: readonly string[]): boolean {
  const given = Buffer.from(path);
  return keys.some((key) => {
    const known = Buffer.from(reviewPath(key));
    return given.length === known.length && timingSafeEqual(given, known);
  });
}
