/** Which requests are one execution. */
import { expect, test } from '@jest/globals';
import { requestHash } from './identity.ts';
import type { RequestPeer } from './request.ts';

const hash = (peers: readonly RequestPeer[]): string =>
  requestHash(
    {
      rpc: 'execNetworkChaos',
      wireAction: 'partition',
      experimentId: 'e',
      parameters: { podName: 'web' },
      options: { operatorEpoch: 0, dryRun: false, peers },
    },
    'uid',
  );

const peer = (cidr: string, ports: readonly number[] = [], protocol = ''): RequestPeer => ({ cidr, ports, protocol });

test('the same peers in another order are the same request', () => {
  expect(hash([peer('10.0.0.1', [443, 80], 'tcp'), peer('10.0.0.2')])).toBe(
    hash([peer('10.0.0.2'), peer('10.0.0.1', [80, 443], 'tcp')]),
  );
});

test('a peer on other ports, or by another protocol, is another request', () => {
  const all = [
    hash([peer('10.0.0.1')]),
    hash([peer('10.0.0.1', [80])]),
    hash([peer('10.0.0.1', [80, 443])]),
    hash([peer('10.0.0.1', [80], 'tcp')]),
    hash([peer('10.0.0.1', [], 'tcp')]),
  ];
  expect(new Set(all).size).toBe(all.length);
});
