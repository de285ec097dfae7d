/** Conditions of a status: one of each type, and when its status last changed. */

/** One condition, as in metav1.Condition. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, whole seconds. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/**
 * The conditions with this one in its place, or at the end. Its time is `now` (milliseconds since the epoch when a
 * number) only if its status is new; otherwise the time stays. The same array comes back when nothing changed.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: Date | number,
): readonly Condition[] {
  const all = conditions ?? [];
  const before = findCondition(all, condition.type);
  const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : wholeSeconds(now);
  const after: Condition = { ...condition, lastTransitionTime };
  if (before === undefined) return [...all, after];
  if (conditions !== undefined && same(before, after)) return conditions;
  return all.map((one) => (one.type === condition.type ? after : one));
}

/** The condition of this type. */
export function findCondition<T extends { readonly type: string }>(
  conditions: readonly T[] | undefined,
  type: string,
): T | undefined {
  return conditions?.find((one) => one.type === type);
}

function same(a: Condition, b: Condition): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration
  );
}

/** metav1.Time has no fractions; with them an applied time would differ from the stored one. */
function wholeSeconds(now: Date | number): string {
  return new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
}
