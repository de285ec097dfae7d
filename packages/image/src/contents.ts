/** What lies in the images: node and its libraries in both; traffic control, nftables and stress-ng in the daemon's; our bundles. */
import { access, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle, type ImageName } from './bundle.ts';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';
import { librariesOf, place } from './libraries.ts';

/** The user that the operator runs as; the daemon is root. */
export const NON_ROOT = 65_532;

/** Debian package → a file of it that must be on this machine. */
export const NEEDED = { iproute2: 'tc', libnftables1: 'libnftables.so.1', 'stress-ng': 'stress-ng' } as const;

const PASSWD = `root:x:0:0:root:/root:/usr/sbin/nologin\nnonroot:x:${NON_ROOT}:${NON_ROOT}:nonroot:/home/nonroot:/usr/sbin/nologin\n`;
const GROUP = `root:x:0:\nnonroot:x:${NON_ROOT}:\n`;

/** libnftables looks the names of protocols up there, of what it reads and of what it lists: https://man7.org/linux/man-pages/man5/protocols.5.html */
const PROTOCOLS = 'icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\nsctp 132 SCTP\n';

/** The bottom of both images: the folders of a Debian, node, its libraries. */
export async function baseEntries(node: string): Promise<ArchiveEntry[]> {
  const links = ['bin', 'sbin', 'lib', 'lib64'].flatMap((name): ArchiveEntry[] => [
    { path: `usr/${name}`, kind: 'folder' },
    { path: name, kind: 'link', to: `usr/${name}` },
  ]);
  const empty = ['app', 'dev', 'etc', 'home/nonroot', 'proc', 'root', 'run', 'sys', 'var/lib'];
  return [
    ...links,
    ...empty.map((path): ArchiveEntry => ({ path, kind: 'folder' })),
    // Container runtimes name network namespaces by either path.
    { path: 'var/run', kind: 'link', to: '/run' },
    { path: 'tmp', kind: 'folder', mode: 0o1777 },
    { path: 'etc/passwd', kind: 'text', text: PASSWD },
    { path: 'etc/group', kind: 'text', text: GROUP },
    // Names are looked up as the pod's resolv.conf says, /etc/hosts first.
    {
      path: 'etc/nsswitch.conf',
      kind: 'text',
      text: 'passwd: files\ngroup: files\nprotocols: files\nhosts: files dns\n',
    },
    { path: 'etc/protocols', kind: 'text', text: PROTOCOLS },
    { path: 'usr/bin/node', kind: 'file', source: node },
    ...(await librariesOf([node])),
    ...(await resolverLibraries()),
  ];
}

/** What the daemon calls: tc with its tables of distributions, stress-ng, and libnftables, which it loads into itself; the command. */
export async function daemonEntries(): Promise<ArchiveEntry[]> {
  const tc = await firstOf(NEEDED.iproute2, ['/usr/sbin', '/sbin', '/usr/bin']);
  const libnftables = await firstOf(NEEDED.libnftables1, libraryFolders());
  const stress = await firstOf(NEEDED['stress-ng'], ['/usr/bin']);
  const tables = await distributions();
  return [
    { path: 'usr/sbin/tc', kind: 'file', source: await realpath(tc) },
    { path: 'usr/bin/stress-ng', kind: 'file', source: await realpath(stress) },
    { path: place(libnftables), kind: 'file', source: libnftables },
    // There is no env in this image that would find node.
    { path: 'usr/bin/chaosplane', kind: 'text', text: "#!/usr/bin/node\nimport('/app/chaosplane.js');\n", mode: 0o755 },
    ...tables.map((source): ArchiveEntry => ({ path: place(source), kind: 'file', source, mode: 0o644 })),
    ...(await librariesOf([tc, libnftables, stress])),
  ];
}

/** What is below /app, the part that changes least first: the native library of the daemon, and the bundle. */
export async function appEntries(root: string, image: ImageName): Promise<ArchiveEntry[][]> {
  const programs = await bundle(root, image);
  return image === 'daemon' ? [await koffiEntries(root), programs] : [programs];
}

/** koffi as the bundle finds it, for this machine's processor alone: it ships eighteen. */
async function koffiEntries(root: string): Promise<ArchiveEntry[]> {
  const platform = `linux-${process.arch}`;
  const sources = [join(root, 'node_modules/koffi'), join(root, `node_modules/@koromix/koffi-${platform}`)];
  const wanted = /(?:\.c?js|package\.json|[/\\]linux_\w+[/\\]koffi\.node)$/;
  const unwanted = /(?:^|[/\\])(?:vendor|doc|lib|cnoke\.cjs)(?:[/\\]|$)/;
  const folders = await Promise.all(
    sources.map(async (folder) => {
      const files = await readdir(folder, { recursive: true });
      const kept = files.filter((file) => wanted.test(`/${file}`) && !unwanted.test(file));
      return kept.map((file) => join(folder, file));
    }),
  );
  return folders.flat().map((source): ArchiveEntry => {
    return { path: `app/${source.slice(root.length + 1)}`, kind: 'file', source, mode: 0o644 };
  });
}

/** glibc loads these by name, so that ldd does not see them; newer ones have them built in. */
async function resolverLibraries(): Promise<ArchiveEntry[]> {
  const found = await Promise.all(
    ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'].map((name) =>
      firstOf(name, libraryFolders()).catch(() => undefined),
    ),
  );
  return found.flatMap((source): ArchiveEntry[] =>
    source === undefined ? [] : [{ path: place(source), kind: 'file', source }],
  );
}

async function distributions(): Promise<string[]> {
  for (const folder of [...libraryFolders().map((each) => `${each}/tc`), '/usr/lib/tc']) {
    const names = await readdir(folder).catch(() => []);
    const tables = names.filter((name) => name.endsWith('.dist'));
    if (tables.length > 0) return tables.map((name) => join(folder, name));
  }
  throw new Error('the tables of distributions of tc are missing: apt-get install iproute2');
}

function libraryFolders(): string[] {
  const machine = process.arch === 'x64' ? 'x86_64' : 'aarch64';
  return [`/usr/lib/${machine}-linux-gnu`, `/lib/${machine}-linux-gnu`];
}

async function firstOf(name: string, folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const path = join(folder, name);
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  const owner = Object.entries(NEEDED).find(([, file]) => file === name)?.[0];
  throw new Error(`${name} is missing on this machine${owner === undefined ? '' : `: apt-get install ${owner}`}`);
}
