/** How many experiments of one namespace may be under way: one more is refused before anything of it is begun. */
import { isFinal, type ExperimentObject } from '@chaosplane/api';
import type { Informer } from '@chaosplane/kube';

/** Who is in. */
export interface Admission {
  /** Lets an experiment in that has not begun; the reason when there are too many. */
  admit(object: ExperimentObject): string | undefined;
  /** It is over, or gone. */
  leave(uid: string): void;
}

/** At most `most` experiments of a namespace. What has begun already, under an earlier operator, is in. */
export function createAdmission(most: number, experiments: Pick<Informer<ExperimentObject>, 'list'>): Admission {
  /** The status of who is let in is written a little later. */
  const inside = new Map<string, string>();
  return {
    admit({ metadata }) {
      const { namespace = '', uid = '' } = metadata;
      if (inside.has(uid)) return undefined;
      const others = new Set([...inside].filter((entry) => entry[1] === namespace).map(([other]) => other));
      for (const { metadata: other, status } of experiments.list())
        if (other.namespace === namespace && hasBegun(status?.phase)) others.add(other.uid ?? '');
      if (others.size >= most) {
        const wayOut =
          'create this one again when some of them are over, or raise operator.experimentsPerNamespace of the chart';
        return `${others.size} experiments of the namespace ${namespace} are not over, and ${most} may be at the same time: ${wayOut}`;
      }
      inside.set(uid, namespace);
      return undefined;
    },
    leave: (uid) => void inside.delete(uid),
  };
}

function hasBegun(phase: NonNullable<ExperimentObject['status']>['phase']): boolean {
  return phase !== undefined && phase !== 'Pending' && !isFinal({ phase });
}
