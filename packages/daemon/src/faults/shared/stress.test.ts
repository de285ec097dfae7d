/** What a stressor may ask for in a place, and what its measures come to. */
import { describe, expect, test } from '@jest/globals';
import type { StressFacts, StressMeasure } from '../fault.ts';
import { cpuEvidence, memoryEvidence, memoryStress } from './stress.ts';

const MEBI = 2 ** 20;
const node = { nodeMemoryBytes: 8192 * MEBI, nodeFreeBytes: 4096 * MEBI, oomKillsAll: false };
const container: StressFacts = {
  place: 'container',
  ...node,
  memoryLimitBytes: 128 * MEBI,
  memoryFreeBytes: 100 * MEBI,
};
const onNode: StressFacts = {
  place: 'node',
  ...node,
  memoryLimitBytes: node.nodeMemoryBytes,
  memoryFreeBytes: node.nodeFreeBytes,
};
const asked = (size: { bytes: number } | { percent: number }, force = false) => ({ workers: 2, size, force });

describe('memory', () => {
  test.each([
    [
      'more than the limit',
      { bytes: 129 * MEBI },
      container,
      'size 129Mi cannot be kept, the limit of the container is 128Mi',
    ],
    ['more than the node', { bytes: 9000 * MEBI }, onNode, 'the node has 8Gi'],
    [
      'more than the node, without a limit',
      { bytes: 9000 * MEBI },
      { place: 'container', ...node },
      'the node has 8Gi',
    ],
    ['a share of no limit', { percent: 50 }, { place: 'container', ...node }, 'has no memory limit'],
  ] as const)('of %s is refused', (_name, size, facts, message) => {
    expect(() => memoryStress(asked(size), facts)).toThrow(message);
  });

  test('of more than the limit is asked for when that is forced', () => {
    expect(memoryStress(asked({ bytes: 129 * MEBI }, true), container).residentBytes).toBe(129 * MEBI);
  });

  test.each([
    ['what is free', { bytes: 64 * MEBI }, container, []],
    [
      'more than is free',
      { percent: 100 },
      container,
      [
        '128Mi are asked for and 100Mi are free below the limit: memory is about to run out',
        'when memory runs out, the kernel kills what it chooses, the stressor or another process',
      ],
    ],
    [
      'what is free, where all die together',
      { bytes: 64 * MEBI },
      { ...container, oomKillsAll: true },
      ['when memory runs out, the kernel kills the application together with the stressor (memory.oom.group is 1)'],
    ],
    [
      'more than the node has free',
      { percent: 75 },
      onNode,
      [
        '6Gi are asked for and 4Gi are free on the node: memory is about to run out',
        'when memory runs out, the kernel kills what it chooses, the stressor or another process',
      ],
    ],
  ] as const)('of %s is said in the plan', (_name, size, facts, notes) => {
    expect(memoryStress(asked(size), facts).notes).toEqual(notes);
  });
});

describe('evidence', () => {
  const measure: StressMeasure = {
    processes: 5,
    workers: 2,
    cpuMs: 4000,
    residentBytes: 64 * MEBI,
    writtenBytes: 0,
    endedEarly: false,
  };

  test.each([
    ['all workers run', {}, 'verified', '4s of CPU time burnt by 5 processes'],
    ['one is missing', { workers: 1 }, 'not-observed', '4s of CPU time burnt by 5 processes; only 1 of 2 workers run'],
    [
      'its container ended',
      { ended: 'its container ended' },
      'verified',
      '4s of CPU time burnt by 5 processes until its container ended',
    ],
    [
      'it ended early',
      { ended: 'the stressor was ended by others (SIGKILL)', endedEarly: true },
      'not-observed',
      '4s of CPU time burnt by 5 processes until the stressor was ended by others (SIGKILL)',
    ],
    [
      'others were killed',
      { oomKills: 1 },
      'verified',
      '4s of CPU time burnt by 5 processes; the kernel killed 1 process of the cgroup because memory ran out',
    ],
  ] as const)('when %s', (_name, more, verdict, summary) => {
    expect(cpuEvidence({ workers: 2 }, { ...measure, ...more })).toMatchObject({ verdict, summary });
  });

  test('of a record that does not say how many workers there are counts none as missing', () => {
    expect(memoryEvidence({ residentBytes: 64 * MEBI }, { ...measure, workers: 0 }).verdict).toBe('verified');
  });
});
