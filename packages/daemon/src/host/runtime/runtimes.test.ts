/** Where runtimes differ: what each tells of a sandbox, and what each answers when a command is run in a container. */
import { describe, expect, test } from '@jest/globals';
import { ClientError, Status } from 'nice-grpc';
import { execFailure, execResult } from './exec-answer.ts';
import { rootIn } from '../stress/id-map.ts';
import { resolvConfPath, runtimeTypeOf, viewOf } from './sandbox-info.ts';

const namespaces = [{ type: 'network', path: '/run/netns/one' }];
const path = '/run/containers/storage/overlay-containers/4f6a/userdata/resolv.conf';
const crio = JSON.stringify({
  runtimeSpec: { annotations: { 'io.kubernetes.cri-o.ResolvPath': path }, linux: { namespaces } },
});
const containerd = JSON.stringify({
  pid: 7,
  runtimeType: 'io.containerd.runsc.v1',
  runtimeSpec: { linux: { namespaces } },
  config: { dns_config: { servers: ['10.96.0.10'] } },
});

describe('a sandbox', () => {
  test.each([
    ['of CRI-O has its resolv.conf on the node', crio, path],
    ['of containerd has none', containerd, undefined],
    ['whose runtime tells a relative path has none', crio.replace(path, 'etc/resolv.conf'), undefined],
    ['of which nothing is told has none', undefined, undefined],
  ])('%s', (_name, info, expected) => {
    expect(resolvConfPath(info)).toBe(expected);
  });

  test('of containerd tells what carries it out, and one of CRI-O does not', () => {
    expect(runtimeTypeOf(containerd)).toBe('io.containerd.runsc.v1');
    expect(runtimeTypeOf(crio)).toBeUndefined();
  });

  test('asks the resolvers that its resolv.conf names', () => {
    const text =
      'search default.svc.cluster.local A.\nnameserver 10.96.0.10\nnameserver fe80::1%eth0\noptions ndots:5\n';
    expect(viewOf(text)).toEqual({
      servers: ['10.96.0.10'],
      searches: ['default.svc.cluster.local', 'a'],
      ndots: 5,
    });
    expect(viewOf('search a.test\n')).toBeUndefined();
  });
});

describe('a command in a container', () => {
  const argv = ['ps', 'aux'];
  const answer = (stdout: Buffer | string, exitCode = 0, stderr = '') => ({
    stdout: Buffer.from(stdout),
    stderr: Buffer.from(stderr),
    exitCode,
  });
  const refusal = (code: Status, details: string): ClientError =>
    new ClientError('/runtime.v1.RuntimeService/ExecSync', code, details);

  test('that ends has its code and its output, regardless of the code', () => {
    expect(execResult(argv, answer('PID\n', 3, 'no\n'))).toEqual({ exitCode: 3, stdout: 'PID\n', stderr: 'no\n' });
    expect(execResult(argv, answer('', -1)).exitCode).toBe(-1);
  });

  test.each([
    ['containerd', refusal(Status.UNKNOWN, 'exec failed: exec: "ps": executable file not found in $PATH: unknown')],
    [
      'containerd, by its path',
      refusal(Status.UNKNOWN, 'exec: "/bin/ps": stat /bin/ps: no such file or directory: unknown'),
    ],
    [
      'CRI-O',
      refusal(Status.UNKNOWN, 'command error: exec: \\"ps\\": executable file not found in $PATH, exit code -1'),
    ],
    ['crun', refusal(Status.UNKNOWN, 'executable file `ps` not found in $PATH: No such file or directory')],
  ])('that is not there is said to be so, by %s', (_name, error) => {
    expect(execFailure(argv, error)).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'the container has no program ps',
    });
  });

  test('that takes too long is said to, by either runtime', () => {
    const late = { code: 'DEADLINE_EXCEEDED', message: 'ps aux did not end within 10 s in the container' };
    expect(execFailure(argv, refusal(Status.DEADLINE_EXCEEDED, 'timeout 10s exceeded'))).toMatchObject(late);
    expect(() => execResult(argv, answer('', -1, 'command timed out'))).toThrow(expect.objectContaining(late));
  });

  test('that prints too much is said to, whether the runtime refuses or cuts', () => {
    const long = { code: 'FAILED_PRECONDITION', message: expect.stringContaining('more than 4 MiB') };
    expect(execFailure(argv, refusal(Status.RESOURCE_EXHAUSTED, 'message larger than max'))).toMatchObject(long);
    expect(() => execResult(argv, answer(Buffer.alloc(11_000_000)))).toThrow(expect.objectContaining(long));
  });

  test('has nothing to do with other failures of the runtime', () => {
    expect(
      execFailure(argv, refusal(Status.NOT_FOUND, 'an error occurred when try to find container')),
    ).toBeUndefined();
  });
});

describe('the root of a user namespace', () => {
  test.each([
    ['is that of the node where all users are', '         0          0 4294967295\n', 0],
    ['is another user of the node', '         0    3000000      65536\n', 3_000_000],
    ['is found behind other ranges', '1000 100 1\n0 500 1000\n', 500],
    ['is taken for that of the node where it is not told', '', 0],
  ])('%s', (_name, map, uid) => {
    expect(rootIn(map)).toBe(uid);
  });
});
