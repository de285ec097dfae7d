/** Settings: defaults, every problem at once, and never plaintext TCP. */
import { ChaosError } from '@chaosplane/common';
import { expect, test } from '@jest/globals';
import { parseConfig, type RawDaemonConfig } from './config.ts';

function pathsWrong(raw: Partial<RawDaemonConfig>): string[] {
  try {
    parseConfig({ nodeName: 'n', ...raw });
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems.map(({ path }) => path);
  }
}

test('nothing but a name is needed', () => {
  expect(parseConfig({ nodeName: 'n' })).toMatchObject({
    socketPath: '/run/chaosplane/daemon.sock',
    defaultTtlMs: 600_000,
    maxTtlMs: 86_400_000,
    networkEngine: 'auto',
    onStop: 'keep',
  });
});

test('durations and addresses are understood as people write them', () => {
  expect(
    parseConfig({ nodeName: 'n', defaultTtlMs: '90s', httpListen: ':8081', healthListen: '[::1]:50052' }),
  ).toMatchObject({
    defaultTtlMs: 90_000,
    httpListen: { host: '::', port: 8081 },
    healthListen: { host: '::1', port: 50_052 },
  });
});

test('TCP without mutual TLS, or for any client, is refused', () => {
  const tls = { certificate: 'a', key: 'b', clientCa: 'c' };
  expect(pathsWrong({ listen: '0.0.0.0:50051' })).toEqual(['listen', 'clientName']);
  expect(pathsWrong({ listen: '0.0.0.0:50051', tls })).toEqual(['clientName']);
  expect(pathsWrong({ listen: '0.0.0.0:50051', tls, clientName: 'operator.chaos.svc' })).toEqual([]);
});

test('tokens are those of one service account, reviewed over HTTPS', () => {
  const serviceAccount = 'system:serviceaccount:chaos:operator';
  expect(parseConfig({ nodeName: 'n', tokenReview: { serviceAccount } }).tokenReview).toEqual({
    serviceAccount,
    audience: 'chaosplane-daemon',
    apiServer: 'https://kubernetes.default.svc',
    credentials: '/var/run/secrets/kubernetes.io/serviceaccount',
  });
  expect(pathsWrong({ tokenReview: { serviceAccount: 'operator', apiServer: 'http://10.0.0.1' } })).toEqual([
    'tokenReview.serviceAccount',
    'tokenReview.apiServer',
  ]);
});

test('all problems are named together', () => {
  expect(pathsWrong({ defaultTtlMs: '90', httpListen: 'nowhere', socketPath: '' })).toEqual([
    'socketPath',
    'defaultTtlMs',
    'httpListen',
  ]);
});
