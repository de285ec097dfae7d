/** How far an experiment of a cluster is. */
import { statusFrom, type ExperimentObject, type ExperimentStatus } from '@chaosplane/api';

/** What the API server has of an object's status. */
export function statusOf(object: ExperimentObject): ExperimentStatus {
  return statusFrom(object.status, [object.status?.targets ?? []]);
}
