/** What the parameters of each action may be, and that everything wrong with them is said at once. */
import { ChaosError } from '@chaosplane/common/pure';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { catalogue, findAction, findByRoute } from './registry.ts';
import { parseParameters } from './parse.ts';

const parse = (name: string, parameters: Record<string, string>): unknown => {
  const pod = name === 'hello-world' ? {} : { podName: 'web' };
  return parseParameters(findAction(name), { ...pod, ...parameters }, { target: 'required' });
};

function problemsOf(name: string, parameters: Record<string, string>): string[] {
  try {
    parse(name, parameters);
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    expect(error.code).toBe('INVALID_ARGUMENT');
    return error.problems.map(({ path, wrong }) => `${path}: ${wrong}`);
  }
}

describe('the parameters of an action', () => {
  test.each([
    ['network-delay', {}, 'parameters.latency: it is required'],
    ['network-delay', { latency: '100' }, '"100" has no unit'],
    ['network-delay', { latency: '0s' }, 'would do nothing'],
    ['network-delay', { latency: '11m' }, 'is too long'],
    ['network-delay', { latency: '1;reboot' }, '"1;reboot" is not a duration'],
    ['network-delay', { latency: '10ms', jitter: '20ms' }, 'longer than the latency'],
    ['network-delay', { latency: '10ms', correlation: '25' }, 'no jitter to correlate'],
    ['network-delay', { latency: '10ms', latancy: '1ms' }, 'did you mean latency?'],
    ['network-loss', { percent: '150%' }, '"150%" is more than 100%'],
    ['network-loss', { percent: '0' }, 'would do nothing'],
    ['network-loss', { percent: '10', correlation: '101' }, 'is more than 100%'],
    ['network-corrupt', {}, 'parameters.percent: it is required'],
    ['network-corrupt', { percent: '0' }, 'would do nothing'],
    ['network-duplicate', { percent: '10', correlation: '-1' }, 'is negative'],
    ['network-bandwidth', {}, 'parameters.rate: it is required'],
    ['network-bandwidth', { rate: '10' }, 'has no unit'],
    ['network-bandwidth', { rate: '10mbps' }, 'may mean bits or bytes'],
    ['network-bandwidth', { rate: '0mbit' }, 'is nothing'],
    ['network-bandwidth', { rate: '1kbit' }, 'is too little'],
    ['network-bandwidth', { rate: '200gbit' }, 'is too much'],
    ['network-bandwidth', { rate: '1mbit', burst: '100' }, 'is too little'],
    ['network-bandwidth', { rate: '1mbit', burst: '-1' }, 'is negative'],
    ['network-bandwidth', { rate: '1mbit', latency: '2m' }, 'is too much'],
    ['network-loss', { percent: '$(id)' }, 'is not a percentage'],
    ['network-partition', { targetCidr: '10.0.0.0/33' }, 'has a prefix above 32'],
    ['network-partition', { targetCidr: '10.0.0.1', target_cidr: '10.0.0.2' }, 'given twice'],
    ['network-partition', { peers: 'web-.default.svc' }, 'is not a host name'],
    ['network-partition', { peers: `${'a'.repeat(64)}.svc` }, 'is not a host name'],
    ['network-partition', { ports: '0' }, 'is not within 1 to 65535'],
    ['network-partition', { protocol: 'icmp', ports: '80' }, 'icmp has no ports'],
    ['network-partition', { protocol: 'sctp' }, 'is not known'],
    ['network-partition', { interface: 'eth0; reboot' }, 'is no list of interfaces'],
    ['network-partition', { spareProbes: 'yes' }, 'is not known'],
    ['network-partition', { podName: 'Web' }, 'is not a name'],
    ['network-partition', { podNamespace: 'a.b' }, 'is not a name'],
    ['pod-cpu-stress', { workers: '0' }, '"0" is out of range'],
    ['pod-cpu-stress', { workers: '1000000' }, 'is out of range'],
    ['pod-cpu-stress', { load: '0' }, 'would do nothing'],
    ['pod-cpu-stress', { load: '101' }, 'is more than 100%'],
    ['pod-cpu-stress', { load: '50;reboot' }, 'is not a percentage'],
    ['pod-memory-stress', { size: '0' }, 'would do nothing'],
    ['pod-memory-stress', { size: '1Zi' }, 'is not an amount of bytes'],
    ['pod-memory-stress', { size: '150%' }, 'is more than 100%'],
    ['pod-memory-stress', { oomScoreAdj: '2000' }, 'is out of range'],
    ['pod-io-stress', { path: 'data' }, 'is not a path'],
    ['pod-io-stress', { path: '/data\0' }, 'is not a path'],
    ['pod-io-stress', { path: '/$(id)' }, 'is not a path'],
    ['container-kill', { signal: 'STOP' }, 'is not a signal that may be sent'],
    ['container-kill', { signal: '9' }, 'is not a signal that may be sent'],
    ['hello-world', { containerId: '../../etc' }, 'is not the id of a container'],
  ])('%s %j is refused', (name, parameters, said) => {
    expect(problemsOf(name, parameters as Record<string, string>).join('\n')).toContain(said);
  });

  test('all that is wrong is said at once', () => {
    const wrong = problemsOf('network-delay', { latency: 'x', jitter: '-1s', ports: '99999', nonsense: '1' });
    expect(wrong.map((problem) => problem.split(':')[0])).toEqual(
      expect.arrayContaining(['parameters', 'parameters.latency', 'parameters.jitter', 'parameters.ports']),
    );
  });

  test('a partition takes its peers under three names, and every peer without any', () => {
    const one = [{ family: 4, address: '10.0.0.0', prefix: 8 }];
    for (const key of ['peers', 'targetCidr', 'target_cidr']) {
      expect(parse('network-partition', { [key]: '10.0.0.0/8' })).toMatchObject({
        scope: { peers: one, direction: 'both' },
      });
    }
    expect(parse('network-partition', {})).toMatchObject({
      how: 'silent',
      scope: { peers: [], interfaces: [], spareProbes: true },
    });
  });

  test('in an experiment the target chooses the pod', () => {
    const parameters = { latency: '10ms' };
    expect(() => parseParameters(findAction('network-delay'), parameters, { target: 'absent' })).not.toThrow();
    expect(() =>
      parseParameters(findAction('network-delay'), { ...parameters, podName: 'web' }, { target: 'absent' }),
    ).toThrow('the target chooses the pod');
  });

  test('of any content are understood or refused, and no unparsed text gets through', () => {
    const keys = fc.constantFrom(
      'latency',
      'jitter',
      'percent',
      'peers',
      'ports',
      'protocol',
      'interface',
      'direction',
      'podName',
      'zzz',
    );
    fc.assert(
      fc.property(fc.constantFrom(...catalogue), fc.dictionary(keys, fc.string()), (action, parameters) => {
        try {
          const spec = parseParameters(action, { podName: 'web', ...parameters }, { target: 'required' });
          for (const [text] of JSON.stringify(spec).matchAll(/(?<=:)"[^"]*"/g))
            expect(text).toMatch(/^"[a-zA-Z0-9._:/-]*"$/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
          expect((error as ChaosError).problems.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});

describe('the catalogue', () => {
  test('every example is valid', () => {
    for (const action of catalogue) {
      expect(() => parseParameters(action, action.example, { target: 'absent' })).not.toThrow();
    }
  });

  test('stress is of the node when nothing says that a pod is meant', () => {
    expect(findByRoute('execStressChaos', 'cpu', { load: '50' }).name).toBe('stress-cpu');
    expect(findByRoute('execStressChaos', 'cpu', { podName: 'web' }).name).toBe('pod-cpu-stress');
    // A caller that names a container has forgotten its pod, and is told so.
    expect(findByRoute('execStressChaos', 'memory', { containerName: 'app' }).name).toBe('pod-memory-stress');
    expect(findByRoute('execStressChaos', 'io', {}).name).toBe('pod-io-stress');
  });

  test('that none asks for is refused with all that there are, each once', () => {
    expect(() => findByRoute('execStressChaos', 'disk')).toThrow(/allowed: container-kill, cpu, io, memory$/);
  });

  test('names the nearest action', () => {
    expect(() => findAction('network-dely')).toThrow('did you mean network-delay?');
  });

  test('knows the whole contract, and refuses what is none of it', () => {
    expect(findByRoute('execNetworkChaos', 'delay').name).toBe('network-delay');
    expect(findByRoute('execHelloWorldChaos', '').name).toBe('hello-world');
    expect(findByRoute('execDNSChaos', 'error').name).toBe('pod-dns-error');
    expect(findByRoute('execNodeChaos', 'restart').name).toBe('node-restart');
    expect(() => findByRoute('execNetworkChaos', 'explode')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
