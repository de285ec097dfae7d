/** What Prometheus reads of a daemon that has just begun. */
import { expect, test } from '@jest/globals';
import { createMetrics } from './metrics.ts';

test('counters that an alert looks at are there before the first of what they count, so that it is seen as an increase', async () => {
  const { registry, countRefusal, countTurned } = createMetrics();
  const line = async (series: string): Promise<string | undefined> =>
    (await registry.metrics()).split('\n').find((text) => text.startsWith(series));
  const [refused, turned] = [
    'chaosplane_daemon_refused_total{reason="token-invalid"}',
    'chaosplane_daemon_connections_turned_away_total{port="grpc",reason="too-slow"}',
  ];
  expect([await line(refused), await line(turned)]).toEqual([`${refused} 0`, `${turned} 0`]);
  countRefusal('token-invalid');
  countTurned('grpc', 'too-slow');
  expect([await line(refused), await line(turned)]).toEqual([`${refused} 1`, `${turned} 1`]);
});
