/** What is written down of a node. */
import { expect, test } from '@jest/globals';
import { parseCapabilities } from '@chaosplane/api';
import { Capabilities } from '@chaosplane/proto';
import { annotationOf } from './keep-capabilities.ts';

test('what a node lacks is told, and what the operator carries out itself is no lack of it', () => {
  const told = Capabilities.fromPartial({
    nodeName: 'n1',
    daemonVersion: '0.1.0',
    kernelRelease: '6.1.0',
    capabilities: [
      { name: 'nftables', available: true, detail: '1.0.6' },
      { name: 'stress-ng', available: false, remedy: 'install stress-ng' },
    ],
    actions: [
      { action: 'network-delay', supported: true, engine: 'queue' },
      { action: 'stress-cpu', supported: false, reason: 'stress-ng is not there' },
      { action: 'pod-kill', supported: false, reason: 'the operator of a cluster carries it out' },
      { action: 'of-tomorrow', supported: false, reason: 'no' },
      { action: 'node-restart', supported: false, engine: 'reboot', reason: 'not allowed' },
    ],
  });
  expect(parseCapabilities(annotationOf(told))).toEqual({
    version: '0.1.0',
    kernel: '6.1.0',
    lacks: [{ name: 'stress-ng', remedy: 'install stress-ng' }],
    cannot: [
      { action: 'stress-cpu', why: 'stress-ng is not there' },
      { action: 'of-tomorrow', why: 'no' },
      { action: 'node-restart', why: 'not allowed', notAllowed: true },
    ],
  });
});
