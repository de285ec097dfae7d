/** What the demo applies: two applications on two nodes, one calling the other, and the experiment that slows the caller. */
import { APP_IMAGE } from '@chaosplane/testbed';

export const NAMESPACE = 'demo';
export const LATENCY_MS = 200;

const application = (name: string, node: string, args: readonly string[]): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': node },
        terminationGracePeriodSeconds: 1,
        containers: [{ name, image: APP_IMAGE, imagePullPolicy: 'Never', args }],
      },
    },
  },
});

/** The objects of both applications, in the order in which they are applied. */
export const applications = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  application('web', 'n1', ['serve']),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
  },
  application('caller', 'n2', ['call', 'http://web/', '--interval', '100ms', '--keepalive']),
] as const;

/** The experiment, as a user writes it. */
export const experiment = `apiVersion: chaos.chaosplane.io/v1alpha1
kind: ChaosExperiment
metadata:
  name: slow-caller
  namespace: ${NAMESPACE}
spec:
  target:
    labelSelector:
      matchLabels:
        app: caller
  action:
    type: network-delay
    parameters:
      latency: ${LATENCY_MS}ms
      protocol: tcp
  duration: 6s
`;
