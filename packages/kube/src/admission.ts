/** Webhooks of admission, as far as they are read. */
import { resourceType, type KubeObject } from './object.ts';

/** What the API server asks before it stores an object; a part of it. */
export interface MutatingWebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly clientConfig: {
      readonly url?: string;
      readonly caBundle?: string;
      readonly service?: { readonly path?: string };
    };
  }[];
}

export const mutatingWebhookConfigurations = resourceType<MutatingWebhookConfiguration>({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  namespaced: false,
});
