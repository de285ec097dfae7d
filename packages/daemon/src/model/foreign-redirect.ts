/** Redirects that are not ours: the proxy of a mesh, for example. */

/** A rule that sends the connection elsewhere, or keeps ours from doing so. */
export interface ForeignRedirect {
  /** `untracked`: it is kept from connection tracking, so that no rule can redirect it. */
  readonly what: 'redirected' | 'untracked';
  readonly table: string;
  /** The chains on the way to it: `PREROUTING`, `ISTIO_INBOUND`, `ISTIO_IN_REDIRECT`. */
  readonly path: readonly string[];
  readonly rule: string;
  /** False when it depends on something that cannot be known beforehand, or that was not understood. */
  readonly certain: boolean;
}
