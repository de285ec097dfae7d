/** The DNS proxy as programs of a pod feel it: the C library, nslookup and the resolver of Node, each with a resolv.conf of its own. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { systemClock } from '@chaosplane/common';
import { createLab, type Lab } from '@chaosplane/testkit';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createProxies, type Proxies } from '../../src/host/proxies/proxies.ts';
import { startResolver, type LabResolver } from './dns-lab.ts';

jest.setTimeout(60_000);

const run = promisify(execFile);
const [RESOLVER, SEARCH] = ['10.77.0.2', 'default.svc.cluster.local'];
let lab: Lab;
let engine: Proxies;
let resolver: LabResolver;
let folder: string;
/** The first folder that had to be made, to be removed with all that is in it. */
let made: string | undefined;

beforeAll(async () => {
  lab = createLab({ peers: 1 });
  resolver = await startResolver(lab.peer(0), RESOLVER);
  engine = createProxies(systemClock);
  // `ip netns exec` lays this over /etc for what it runs.
  folder = `/etc/netns/${lab.target.name}`;
  made = mkdirSync(folder, { recursive: true });
  writeFileSync(
    `${folder}/resolv.conf`,
    `nameserver ${RESOLVER}\nsearch ${SEARCH}\noptions ndots:5 timeout:2 attempts:1\n`,
  );
  const rule = {
    kind: 'dns',
    id: 'l1',
    domains: ['api.shop', '*.example.com'],
    searches: [SEARCH],
    resolvers: [RESOLVER],
    answer: 'NXDOMAIN',
    percent: 100,
  } as const;
  await engine.serve(lab.target.netns, [{ rule, remainingMs: 600_000 }]);
});

afterAll(async () => {
  await engine.close();
  resolver.close();
  // What others have put there meanwhile stays.
  rmSync(folder, { recursive: true, force: true });
  if (made === '/etc/netns' && readdirSync(made).length === 0) rmdirSync(made);
  lab.close();
});

/** What a program inside the pod prints, and its exit code. */
async function inPod(...argv: string[]): Promise<string> {
  try {
    const { stdout } = await run('ip', ['netns', 'exec', lab.target.name, ...argv]);
    return `0 ${stdout}`;
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return `${code} ${stdout}`;
  }
}

test('getent finds other names, and none of these', async () => {
  expect(await inPod('getent', 'ahostsv4', 'other.org')).toContain('10.1.2.3');
  expect(await inPod('getent', 'ahostsv6', 'other.org')).toContain('fd00::7');
  for (const name of ['api.shop', 'x.example.com']) expect(await inPod('getent', 'hosts', name)).toMatch(/^2 /);
});

test("the resolver of Node tells the failure's name", async () => {
  const ask = `require('dns').promises.resolve4(process.argv[1]).then(console.log, (error) => console.log(error.code))`;
  const node = (name: string): Promise<string> => inPod(process.execPath, '-e', ask, name);
  expect(await node('x.example.com')).toContain('ENOTFOUND');
  expect(await node('other.org')).toContain('10.1.2.3');
});

const [busybox] = ['/usr/bin/busybox', '/bin/busybox'].filter((path) => existsSync(path));
(busybox === undefined ? test.skip : test)('nslookup says NXDOMAIN', async () => {
  const nslookup = (name: string): Promise<string> => inPod(busybox ?? '', 'nslookup', name);
  expect(await nslookup('x.example.com')).toContain('NXDOMAIN');
  expect(await nslookup('other.org')).toContain('10.1.2.3');
});
