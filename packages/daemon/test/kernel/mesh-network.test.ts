/** Network faults on ports of pods in service meshes: the port is that on the wire, which the sidecar's rules do not change. */
import { execFile } from 'node:child_process';
import { createServer, Socket, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { attemptConnection, createLab, type Lab } from '@chaosplane/testkit';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { setSocketOption } from '../../src/host/kernel/ffi.ts';
import { tcpConnect, tcpListener } from '../../src/host/kernel/sockets.ts';
import type { BackendChoice } from '../../src/netns/placement.ts';
import { emulated, shapersOfKernel, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(60_000);

const meshes = [
  ['Istio', 'istio', 'iptables-nft', 15006, 1337],
  ['Istio with native nftables', 'istio-native', 'nft', 15006, 1337],
  ['Istio with TPROXY', 'istio-tproxy', 'iptables-nft', 15006, 1337],
  ['Linkerd', 'linkerd', 'iptables-legacy', 4143, 2102],
] as const;

let lab: Lab;
let daemon: LabDaemon;
let sidecar: Server;
let upstream: Server;
let open: Set<Socket>;

beforeEach(() => {
  lab = createLab({ peers: 1 });
  open = new Set();
});

afterEach(async () => {
  await daemon.close();
  for (const socket of open) socket.destroy();
  sidecar.close();
  upstream.close();
  lab.close();
});

const run = promisify(execFile);

async function inPod(argv: readonly string[]): Promise<string> {
  return (await run('nsenter', [`--net=${lab.target.path}`, ...argv])).stdout;
}

/** Puts the rules of the mesh's own program there, and what Istio's init container adds for TPROXY. */
async function load(name: string, program: string): Promise<void> {
  const file = (ending: string): string => join(import.meta.dirname, 'mesh-rules', `${name}.${ending}`);
  if (program === 'nft') await inPod(['nft', '-f', file('nft')]);
  else await inPod([`${program}-restore`, file('v4')]);
  if (name !== 'istio-tproxy') return;
  await inPod(['ip', 'rule', 'add', 'fwmark', '1337', 'lookup', '133']);
  await inPod(['ip', 'route', 'add', 'local', '0.0.0.0/0', 'dev', 'lo', 'table', '133']);
}

/** Sends back what it gets. */
async function echo(fd: number): Promise<Server> {
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen({ fd }, resolve));
  return server;
}

async function begin(name: string, program: string, port: number, engine: BackendChoice): Promise<void> {
  await load(name, program);
  const listener = tcpListener(lab.target.netns, { address: '0.0.0.0', port });
  const [solIp, transparent] = [0, 19];
  setSocketOption(listener, solIp, transparent, 1);
  sidecar = await echo(listener);
  upstream = createServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n'));
  const far = tcpListener(lab.peer(0).netns, { address: '0.0.0.0', port: 9090 });
  await new Promise<void>((resolve) => upstream.listen({ fd: far }, resolve));
  daemon = await startLabDaemon(lab, { engine });
}

/** A client of the pod's port 8080, which the sidecar answers. */
async function openClient(): Promise<() => Promise<number>> {
  const socket = new Socket({ fd: tcpConnect(lab.peer(0).netns, { address: lab.target.ipv4, port: 8080 }) });
  open.add(socket);
  const exchange = async (): Promise<number> => {
    const sentAt = performance.now();
    const answered = new Promise<number>((resolve) => socket.once('data', () => resolve(performance.now() - sentAt)));
    socket.write('word');
    return answered;
  };
  await exchange();
  return exchange;
}

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay on a port by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    test.each(meshes)('is felt each way in a pod of %s', async (_mesh, name, program, port, _uid) => {
      await begin(name, program, port, engine);
      const exchange = await openClient();
      const usual = await exchange();
      const record = await daemon.exec('delay', { latency: '100ms', direction: 'both', ports: '8080' });
      const tries: number[] = [];
      for (let turn = 0; turn < 5; turn++) tries.push(await exchange());
      const took = Math.min(...tries);
      expect(took).toBeGreaterThanOrEqual(199);
      expect(took).toBeLessThan(1.1 * 200 + 20 * usual);
      expect((await daemon.observe(record)).evidence?.verdict).toBe('verified');
    });

    test.each(meshes)('is felt by what the sidecar of %s sends on', async (_mesh, name, program, port, uid) => {
      await begin(name, program, port, engine);
      await daemon.exec('delay', { latency: '100ms', ports: '9090' });
      const curl = ['curl', '--silent', '--max-time', '10', '--write-out', '%{time_connect}'];
      const argv = ['setpriv', `--reuid=${uid}`, '--clear-groups', ...curl, `http://${lab.peer(0).ipv4}:9090`];
      const seconds = Number(await inPod(argv));
      expect(seconds).toBeGreaterThanOrEqual(0.099);
    });
  });
}

describe.each(meshes)('in a pod of %s', (_mesh, name, program, port, _uid) => {
  test('each network fault on a port acts, and says so', async () => {
    await begin(name, program, port, 'auto');
    const exchange = await openClient();
    const faults = [
      ['duplicate', { percent: '100' }],
      ['bandwidth', { rate: '1mbit' }],
      ['corrupt', { percent: '100', direction: 'ingress' }],
      ['loss', { percent: '100' }],
      ['partition', {}],
    ] as const;
    for (const [action, parameters] of faults) {
      const record = await daemon.exec(action, { direction: 'both', ports: '8080', ...parameters });
      const felt = exchange();
      const passes = action === 'duplicate' || action === 'bandwidth';
      if (passes) await felt;
      else {
        const attempt = attemptConnection(lab.peer(0), lab.target, { port: 8080 });
        const late = new Promise((resolve) => setTimeout(resolve, emulated ? 3000 : 600, 'nothing'));
        expect(await Promise.race([attempt.then(({ outcome }) => outcome), late])).toBe('nothing');
        void attempt;
      }
      const { evidence } = await daemon.observe(record);
      expect([action, evidence?.verdict]).toEqual([action, 'verified']);
      await daemon.cancel(record);
      await felt;
    }
  });
});
