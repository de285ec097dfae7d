import { expect, test } from '@jest/globals';
import { addressPlan, freeNumbers, MOST_NODES, overlap } from './ranges.ts';

test('nodes, pods and Services of a cluster are inside its range and do not touch each other', () => {
  const plan = addressPlan(64);
  const apart = [
    plan.controlPlane,
    plan.host,
    plan.node(1),
    plan.node(MOST_NODES),
    plan.services,
    plan.pods(1),
    plan.pods(MOST_NODES),
  ];
  for (const [at, range] of apart.entries()) {
    expect(overlap(range, plan.all)).toBe(true);
    for (const other of apart.slice(at + 1))
      expect([range, other, overlap(range, other)]).toEqual([range, other, false]);
  }
  for (const pods of [plan.pods(1), plan.pods(MOST_NODES)]) expect(overlap(pods, plan.allPods)).toBe(true);
  expect(overlap(plan.node(1), plan.allPods)).toBe(false);
  for (const address of [plan.apiService, plan.dnsService]) expect(overlap(address, plan.services)).toBe(true);
});

test('two clusters share no address', () => {
  expect(overlap(addressPlan(64).all, addressPlan(65).all)).toBe(false);
});

test('a number whose range the machine already routes somewhere is not free', () => {
  expect(freeNumbers(['10.64.3.0/24', '10.66.0.7', 'default', '192.0.2.0/24']).slice(0, 3)).toEqual([65, 67, 68]);
});

test('a route to all of 10/8 does not keep clusters away', () => {
  expect(freeNumbers(['10.0.0.0/8'])[0]).toBe(64);
});
