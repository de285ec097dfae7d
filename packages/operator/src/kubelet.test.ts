import { expect, test } from '@jest/globals';
import { gatewaysOf } from './kubelet.ts';

const header = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';

test('the gateway of the default route is the bridge from which a kubelet may come', () => {
  const rows = [
    'eth0\t00000000\t0102F40A\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t0002F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  ];
  expect(gatewaysOf([header, ...rows, ''].join('\n'))).toEqual(['10.244.2.1']);
});

test('a default route without a gateway names no address', () => {
  expect(gatewaysOf(`${header}\neth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n`)).toEqual([]);
  expect(gatewaysOf('')).toEqual([]);
});
