/** The id under which daemons know an experiment. */

/** So much of a name that what a daemon is told, with the namespace and two uids, has 253 characters at most. */
const LONGEST_IN_ID = 100;

/** The id under which daemons know an experiment; `unique` tells it from others of its name, which may be as long as Kubernetes has them. */
export function experimentId({ namespace, name }: { namespace: string; name: string }, unique: string): string {
  return `${namespace}/${name.slice(0, LONGEST_IN_ID)}/${unique}`;
}

/** Whether a name in an id may be the beginning of a longer one. */
export const mayBeCut = (nameInId: string): boolean => nameInId.length >= LONGEST_IN_ID;
