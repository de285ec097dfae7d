/** metav1.MicroTime: RFC 3339 with six digits behind the second. */

/** Milliseconds since the epoch as the API server wants them in a Lease or an Event. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
