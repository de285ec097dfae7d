/** One experiment on the stand-in of a cluster, and whether its abort is asked for. */
import { eventually } from '@chaosplane/testkit/eventually';
import type { ApiServer } from './api-server.ts';

/** Where the experiments of the namespace are. */
export const IN_SHOP = '/apis/chaos.chaosplane.io/v1alpha1/namespaces/shop/chaosexperiments';
export const PATH = `${IN_SHOP}/slow`;

export const experiment = {
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosExperiment',
  metadata: { name: 'slow', namespace: 'shop' },
  spec: {
    target: { names: ['web'] },
    action: { type: 'network-delay', parameters: { latency: '1s' } },
    duration: '10m',
  },
};

export const isAsked = (api: ApiServer): Promise<unknown> =>
  eventually('the abort is asked for', () =>
    Promise.resolve(api.get(PATH)?.metadata.annotations?.['chaosplane.io/abort']),
  );
