/** Under which path the API server asks. Nothing else tells it from a stranger: it shows no certificate unless it is set up for that. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Where every caller is told what is wrong with its own document, and nothing of the cluster. */
export const REVIEW_PATH = '/review';

/**
 * Where the API server is also told what policies say, which names pods: made of the key of the certificate, so that every replica
 * knows the same, and who may read neither the Secret nor the configurations of webhooks does not.
 */
export function reviewPath(key: string): string {
  return `${REVIEW_PATH}/${createHmac('sha256', key).update('chaosplane webhook').digest('hex').slice(0, 32)}`;
}

/** Whether it is that path; how long this takes tells nothing of it. */
export function isReviewPath(path: string, key: string): boolean {
  const [given, known] = [Buffer.from(path), Buffer.from(reviewPath(key))];
  return given.length === known.length && timingSafeEqual(given, known);
}
