import { expect, test } from '@jest/globals';
import { apiServerOfPod } from './api-server-of-pod.ts';

test('the address of the API server is a URL, of IPv6 too, and only in a pod', () => {
  const at = (host?: string, port?: string) =>
    apiServerOfPod({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port });
  expect(at('10.96.0.1', '443')).toBe('https://10.96.0.1:443');
  expect(new URL(at('fd00::1', '443')!).hostname).toBe('[fd00::1]');
  expect([at(), at('10.96.0.1'), at('', '')]).toEqual([undefined, undefined, undefined]);
});
