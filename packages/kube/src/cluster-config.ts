/** Where the API server is, and as which user it is asked. */
import type { RequestOptions } from 'node:https';

/** An API server and an identity. */
export interface ClusterConfig {
  /** `https://10.0.0.1:6443`. */
  readonly server: string;
  /** Of the context or of the service account; `default` when neither says. */
  readonly namespace: string;
  /** For people: the context, or `in-cluster`. */
  readonly name: string;
  /** TLS material and headers for one request. Asked before each, so that rotated tokens and certificates are taken up. */
  credentials(): Promise<RequestOptions>;
}
