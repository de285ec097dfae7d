/** `npm run bench:proxy`: what the HTTP proxy costs a request that no rule matches, beside a direct connection, relays that read nothing, and Toxiproxy. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createHost } from '@chaosplane/daemon';
import { tcpConnect, tcpListener } from '@chaosplane/daemon/sockets';
import { bringGo, goPlaces } from '@chaosplane/testbed';
import { createLab, type LabNamespace } from '@chaosplane/testkit';
import { kernelPackages } from '../tools/test/layers.ts';
import { bringPackages, orEnd } from './needs.ts';

const TOXIPROXY = 'github.com/Shopify/toxiproxy/v2/cmd';
const TOXIPROXY_VERSION = 'v2.5.0';
const ROUNDS = Number(process.argv[2] ?? 5);
const DURATION = '2s';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** As the load generator prints it. */
interface Result {
  readonly errors: number;
  readonly p50us: number;
  readonly p99us: number;
  readonly perS: number;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

await orEnd(bringPackages({ ...kernelPackages, 'golang-go': goPlaces() }, 'the bench', say));
const go = await bringGo(say);
const folder = mkdtempSync(join(tmpdir(), 'chaosplane-bench-'));
const children: ChildProcess[] = [];
const lab = createLab({ peers: 1 });
const client = lab.peer(0);

function start(at: LabNamespace, program: string, ...argv: readonly string[]): void {
  const child = spawn('nsenter', [`--net=${at.path}`, program, ...argv], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, LOG_LEVEL: 'error' },
  });
  children.push(child);
}

/** The load generator must not wait for this process, in which the proxy runs. */
async function measure(port: number, connections: number): Promise<Result> {
  const argv = ['-connections', String(connections), '-duration', DURATION, `http://${lab.target.ipv4}:${port}/`];
  const child = spawn('nsenter', [`--net=${client.path}`, join(folder, 'loadgen'), ...argv]);
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  await new Promise((resolve) => child.once('close', resolve));
  return JSON.parse(Buffer.concat(parts).toString()) as Result;
}

/** The floor of any proxy in Node, as the load generator's relay is of any at all: passes what comes from one port on to another, and reads nothing of it. */
async function relay(from: number, to: number): Promise<() => void> {
  const address = lab.target.ipv4;
  const server = createServer({ noDelay: true }, (front) => {
    const back = new Socket({ fd: tcpConnect(lab.target.netns, { address, port: to }) });
    back.setNoDelay(true);
    for (const [one, other] of [
      [front, back],
      [back, front],
    ] as const) {
      one.on('data', (chunk) => other.write(chunk));
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => {
    server.listen({ fd: tcpListener(lab.target.netns, { address, port: from }) }, resolve);
  });
  return () => void server.close();
}

try {
  say('building the load generator and Toxiproxy (up to a minute; the next time it is quick)');
  execFileSync(go.program, ['build', '-buildvcs=false', '-o', join(folder, 'loadgen'), '.'], {
    cwd: join(import.meta.dirname, 'loadgen'),
    env: { ...process.env, ...go.env },
  });
  for (const program of ['server', 'cli']) {
    execFileSync(go.program, ['install', `${TOXIPROXY}/${program}@${TOXIPROXY_VERSION}`], {
      env: { ...process.env, ...go.env, GOBIN: folder },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  start(lab.target, join(folder, 'loadgen'), '-serve', `${lab.target.ipv4}:8080`);
  start(lab.target, join(folder, 'loadgen'), '-serve', `${lab.target.ipv4}:8081`);
  start(lab.target, join(folder, 'server'), '-host', '127.0.0.1', '-port', '8474');
  start(lab.target, join(folder, 'loadgen'), '-relay', `${lab.target.ipv4}:8084`, `${lab.target.ipv4}:8080`);
  await pause(1500);
  execFileSync('nsenter', [
    `--net=${lab.target.path}`,
    join(folder, 'cli'),
    ...['-h', '127.0.0.1:8474', 'create', '-l', `${lab.target.ipv4}:8082`, '-u', `${lab.target.ipv4}:8080`, 'web'],
  ]);
  const host = await createHost({ nodeName: 'bench' });
  const netns = host.openNetns(lab.target.path);
  const match = { path: '/no-such-path*', methods: [], headers: [] };
  const rule = { kind: 'http', id: 'l1', side: 'server', port: 8081, level: 'request', match, percent: 100 } as const;
  const whole = { ...rule, effect: { kind: 'reset' }, existing: 'keep' } as const;
  await netns.serveProxies([{ rule: whole, remainingMs: 3_600_000 }]);
  const closeRelay = await relay(8083, 8080);
  const ways = {
    direct: 8080,
    ChaosPlane: 8081,
    Toxiproxy: 8082,
    'relay in Node': 8083,
    'blocking relay': 8084,
  } as const;
  say(`measuring for ${ROUNDS * 20} s`);
  const results = new Map<string, Result[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const connections of [1, 16]) {
      for (const [name, port] of Object.entries(ways)) {
        // It has one thread, which waits for one connection.
        if (name === 'blocking relay' && connections > 1) continue;
        const key = `${String(connections).padStart(2)} connection${connections === 1 ? ' ' : 's'} ${name}`;
        const result = await measure(port, connections);
        if (result.errors > 0) throw new Error(`${key}: ${result.errors} requests failed`);
        results.set(key, [...(results.get(key) ?? []), result]);
      }
    }
  }
  const seen = netns.proxyCounts('l1')?.seen ?? 0;
  if (seen === 0) throw new Error('no request passed through the proxy');
  say(`\n${ROUNDS} rounds of ${DURATION}, interleaved; kept connections, bodies of 1 kB; medians of the rounds\n`);
  say(`${''.padEnd(28)}${['p50 µs', 'p99 µs', 'requests/s'].map((head) => head.padStart(12)).join('')}`);
  for (const [key, all] of results) {
    const cells = [all.map((one) => one.p50us), all.map((one) => one.p99us), all.map((one) => one.perS)];
    say(`${key.padEnd(28)}${cells.map((values) => median(values).toFixed(0).padStart(12)).join('')}`);
  }
  closeRelay();
  await netns.close();
  await host.close();
} finally {
  for (const child of children) child.kill('SIGKILL');
  lab.close();
  rmSync(folder, { recursive: true, force: true });
}
