/** HTTP and DNS faults in pods of service meshes: they work, or are refused with advice that helps once it is followed. */
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLab, type Lab } from '@chaosplane/testkit';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ask as query, startResolver, type LabResolver } from './dns-lab.ts';
import { ask, startApp, type LabApp } from './http-lab.ts';
import { dnsError, httpAbort, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(60_000);

let lab: Lab;
let daemon: LabDaemon;
let apps: LabApp[];
let resolver: LabResolver;

beforeEach(async () => {
  lab = createLab({ peers: 1 });
  apps = [await startApp(lab.target, 8080), await startApp(lab.peer(0), 9090)];
  resolver = await startResolver(lab.peer(0), lab.peer(0).ipv4);
  daemon = await startLabDaemon(lab, {}, { dns: { servers: [resolver.address], searches: [], ndots: 1 } });
});

afterEach(async () => {
  await daemon.close();
  for (const app of apps) app.close();
  resolver.close();
  lab.close();
});

function inPod(argv: readonly string[], input = ''): void {
  execFileSync('nsenter', [`--net=${lab.target.path}`, ...argv], { input, stdio: ['pipe', 'ignore', 'ignore'] });
}

/** Puts rules there that a mesh's own program made, in place of those before. */
function load(name: string, program: 'nft' | 'iptables-nft' | 'iptables-legacy'): void {
  const file = (ending: string): string => join(import.meta.dirname, 'mesh-rules', `${name}.${ending}`);
  if (program === 'nft') {
    inPod(['nft', 'flush', 'ruleset']);
    inPod(['nft', '-f', file('nft')]);
  } else {
    inPod([`${program}-restore`, file('v4')]);
    inPod([`ip6${program.slice(2)}-restore`, file('v6')]);
  }
}

/** A chain of others that what comes in passes by. */
function addChain(name: string, type: string, rule: string): void {
  const hook = `${type} hook prerouting priority -100`;
  inPod(['nft', '-f', '-'], `table inet other {\nchain ${name} {\n${hook};\n${rule}\n}\n}\n`);
}

/** A fault, how it is felt, and what has to be said when it cannot be. */
const faults = {
  server: {
    begin: () => daemon.execProxied(httpAbort, { port: '8080', statusCode: '503' }),
    acts: async () =>
      expect((await ask(lab.peer(0), { address: lab.target.ipv4, port: 8080 }, { withinMs: 2000 })).status).toBe(503),
  },
  client: {
    begin: () => daemon.execProxied(httpAbort, { port: '9090', statusCode: '503', side: 'client' }),
    acts: async () =>
      expect((await ask(lab.target, { address: lab.peer(0).ipv4, port: 9090 }, { withinMs: 2000 })).status).toBe(503),
  },
  dns: {
    begin: () => daemon.execProxied(dnsError, { domains: 'bad.org' }),
    acts: async () => {
      expect(await query(lab.target, resolver.address, 'bad.org', { withinMs: 2000 })).toMatchObject({
        code: 'NXDOMAIN',
      });
      expect(await query(lab.target, resolver.address, 'good.org', { withinMs: 2000 })).toMatchObject({
        code: 'NOERROR',
      });
    },
  },
} as const;

async function expectWorks(which: keyof typeof faults): Promise<void> {
  const record = await faults[which].begin();
  await faults[which].acts();
  await daemon.cancel(record);
}

async function expectRefused(which: keyof typeof faults, ...words: readonly string[]): Promise<void> {
  const refused = await faults[which].begin().then(
    () => 'it was not refused',
    (error: unknown) => String(error),
  );
  for (const word of words) expect(refused).toContain(word);
}

const istio = ['excludeInboundPorts: "8080"', 'excludeOutboundPorts: "9090"'] as const;
const linkerd = ['skip-inbound-ports: "8080"', 'skip-outbound-ports: "9090"'] as const;
const meshes = [
  ['Istio', 'istio', 'istio-excluded', 'iptables-nft', istio, 'ISTIO_INBOUND → ISTIO_IN_REDIRECT'],
  ['Istio', 'istio', 'istio-excluded', 'iptables-legacy', istio, 'ISTIO_INBOUND → ISTIO_IN_REDIRECT'],
  ['Istio', 'istio-native', 'istio-native-excluded', 'nft', istio, 'istio-inbound → istio-in-redirect'],
  ['Istio, TPROXY,', 'istio-tproxy', 'istio-tproxy-excluded', 'iptables-nft', istio, 'ISTIO_INBOUND → ISTIO_TPROXY'],
  ['Linkerd', 'linkerd', 'linkerd-skip', 'iptables-nft', linkerd, 'PROXY_INIT_REDIRECT'],
  ['Linkerd', 'linkerd', 'linkerd-skip', 'iptables-legacy', linkerd, 'PROXY_INIT_REDIRECT'],
] as const;

describe.each(meshes)(
  'in a pod of %s (%s, %s, by %s)',
  (_mesh, plain, excluded, program, [inbound, outbound], path) => {
    test('DNS faults work, over UDP', async () => {
      load(plain, program);
      await expectWorks('dns');
    });

    test('requests to the pod are refused with the way out, and work once it is taken', async () => {
      load(plain, program);
      await expectRefused('server', path, inbound);
      load(excluded, program);
      await expectWorks('server');
    });

    test('requests of the pod are refused with the way out, and work once it is taken', async () => {
      load(plain, program);
      await expectRefused('client', outbound);
      load(excluded, program);
      await expectWorks('client');
    });
  },
);

describe.each(['iptables-nft', 'iptables-legacy'] as const)('where Istio captures DNS (by %s)', (program) => {
  test('DNS faults are refused with the way out, and work once it is taken', async () => {
    load('istio-dns', program);
    await expectRefused('dns', 'ISTIO_OUTPUT_DNS', 'ISTIO_META_DNS_CAPTURE: "false"');
    inPod([program, '-t', 'raw', '-F']);
    load('istio', program);
    await expectWorks('dns');
  });
});

test.each([
  ['istio-ambient', 'iptables-nft'],
  ['istio-ambient', 'iptables-legacy'],
  ['istio-ambient-native', 'nft'],
] as const)('in a pod of the ambient mesh (%s, by %s), faults are refused with the way out', async (plain, program) => {
  load(plain, program);
  for (const which of ['server', 'client'] as const) await expectRefused(which, 'label istio.io/dataplane-mode: none');
  await expectRefused('dns', 'ambient.istio.io/dns-capture: "false"');
  if (program === 'nft') inPod(['nft', 'flush', 'ruleset']);
  else load('istio-ambient-no-dns', program);
  await expectWorks('dns');
});

describe('beside rules that are no mesh', () => {
  const kubeProxy = `
table ip kube-proxy {
  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { 10.96.0.1 . tcp . 443 : goto service-a, 10.96.0.9 . tcp . 9091 : goto service-a }
  }
  chain service-a {
    meta l4proto tcp dnat to 10.77.0.2:6443
  }
  chain services {
    ip daddr . meta l4proto . th dport vmap @service-ips
  }
  chain nat-prerouting {
    type nat hook prerouting priority dstnat;
    jump services
  }
  chain nat-output {
    type nat hook output priority -100;
    jump services
  }
}
`;

  test('the DNAT of kube-proxy concerns its own addresses and ports', async () => {
    inPod(['nft', '-f', '-'], kubeProxy);
    await expectWorks('server');
    await expectWorks('client');
    await expectWorks('dns');
    inPod(['nft', '-f', '-'], kubeProxy.replace('9091', '9090'));
    await expectRefused('client', 'may be redirected', 'service-a', 'let packets to port 9090 return');
  });

  test('a redirect is in the way until its packets return before it, as the refusal says', async () => {
    addChain('incoming', 'type nat', 'tcp dport 8000-9000 redirect to :7777');
    await expectRefused('server', 'inet other, incoming: tcp dport 8000-9000 redirect to :7777', 'port 8080 return');
    inPod(['nft', 'insert', 'rule', 'inet', 'other', 'incoming', 'tcp', 'dport', '8080', 'return']);
    await expectWorks('server');
  });

  test('a redirect over IPv6 alone is seen, although nft does not print it', async () => {
    inPod(['ip6tables-nft', '-t', 'nat', '-A', 'PREROUTING', '-p', 'tcp', '-j', 'REDIRECT', '--to-ports', '7777']);
    await expectRefused('server', 'ip6 nat, PREROUTING');
  });

  test.each(['iptables-nft', 'iptables-legacy'])(
    'what %s keeps from connection tracking is refused',
    async (program) => {
      const rule = ['OUTPUT', '-p', 'udp', '--dport', '53', '-j'];
      inPod([program, '-t', 'raw', '-A', ...rule, 'NOTRACK']);
      await expectRefused('dns', 'kept from connection tracking', 'let packets to port 53 return before that rule');
      inPod([program, '-t', 'raw', '-I', ...rule, 'RETURN']);
      await expectWorks('dns');
    },
  );

  test('the resolver of NodeLocal DNSCache is asked like any other', async () => {
    const local = '169.254.20.10';
    execFileSync('ip', ['-n', lab.peer(0).name, 'address', 'add', `${local}/32`, 'dev', 'lo']);
    inPod(['ip', 'route', 'add', local, 'via', lab.peer(0).ipv4]);
    for (const [chain, end] of [
      ['PREROUTING', '-d'],
      ['OUTPUT', '-s'],
    ] as const) {
      const rule = ['iptables-nft', '-t', 'raw', '-A', chain, end, local, '-p', 'udp', '-j', 'NOTRACK'];
      execFileSync('nsenter', [`--net=${lab.peer(0).path}`, ...rule], { stdio: 'ignore' });
    }
    const cache = await startResolver(lab.peer(0), local);
    await daemon.close();
    daemon = await startLabDaemon(lab, {}, { dns: { servers: [local], searches: [], ndots: 1 } });
    const record = await faults.dns.begin();
    expect(await query(lab.target, local, 'bad.org')).toMatchObject({ code: 'NXDOMAIN' });
    expect(await query(lab.target, local, 'good.org')).toMatchObject({ code: 'NOERROR' });
    await daemon.cancel(record);
    cache.close();
  });

  test('nothing that a program of others prints gets into the log of the daemon', async () => {
    load('istio', 'iptables-nft');
    const { name, path, ipv4, ipv6 } = lab.target;
    const script = join(import.meta.dirname, 'refused-daemon.main.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, name, path, ipv4, ipv6]);
    expect(stderr).toBe('');
    expect(stdout.match(/ redirected by others/g)).toHaveLength(2);
  });

  test('chains whose names speak of redirects are no redirects', async () => {
    addChain('redirect-dnat-tproxy', 'type filter', 'accept');
    await expectWorks('server');
  });
});
