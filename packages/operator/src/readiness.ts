/** Whether the operator can do its work at this moment, as its parts see it. */

/** What /readyz asks. */
export interface Readiness {
  /** Why a part cannot work; undefined when it can. */
  set(part: string, why: string | undefined): void;
  /** All reasons in one line; undefined when there is none. */
  notReady(): string | undefined;
}

/** Ready, until a part says otherwise. */
export function createReadiness(): Readiness {
  const reasons = new Map<string, string>();
  return {
    set(part, why) {
      if (why === undefined) reasons.delete(part);
      else reasons.set(part, why);
    },
    notReady: () => (reasons.size === 0 ? undefined : [...reasons.values()].join('; ')),
  };
}
