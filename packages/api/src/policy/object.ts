/** Policies, as the API server has them. */
import type { KubeObject } from '@chaosplane/kube/object';

/** A BlastRadiusPolicy. Its spec is anything that the schema of the API server let pass. */
export interface PolicyObject extends KubeObject {
  readonly spec: unknown;
}
