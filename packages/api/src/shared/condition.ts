/** Conditions, as Kubernetes has them: one of each type, with the reasons that its kind has for it. */

/** The reasons that a kind has, by type of condition. */
export type Reasons = Readonly<Record<string, readonly string[]>>;

/** A condition of a kind with these reasons. */
export type ConditionOf<Kind extends Reasons> = {
  readonly [Type in keyof Kind & string]: {
    readonly type: Type;
    readonly status: 'True' | 'False' | 'Unknown';
    /** For programs. */
    readonly reason: Kind[Type][number];
    /** For people. */
    readonly message: string;
  };
}[keyof Kind & string];

/** The status with one condition set, in the place of the one of that type. */
export function withCondition<Status extends { readonly conditions: readonly { readonly type: string }[] }>(
  status: Status,
  condition: Status['conditions'][number],
): Status {
  return { ...status, conditions: [...status.conditions.filter(({ type }) => type !== condition.type), condition] };
}
