/** The files of the images, and from where each comes. */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveEntry, FileEntry } from '@chaosplane/testbed/oci/entry';
import { firstOf, libraryFolders, machines, type Debian, type DebianPackage } from './debian.ts';
import { librariesOf, neededBy, place } from './libraries.ts';
import { standIn } from './stand-in.ts';
import { strippedNode } from './strip.ts';

/** The user that the operator runs as; the daemon is root. */
export const NON_ROOT = 65_532;

/** What is copied comes of these Debian packages and of those that they need. node needs the last one. */
export const DEBIAN_PACKAGES = ['iproute2', 'libnftables1', 'stress-ng', 'libstdc++6'] as const;

/** For stressors of stress-ng that no fault uses; with what only they need, they are the larger part of its libraries. See ADR 0041. */
const UNUSED_LIBRARIES = ['libIPSec_MB.so.1', 'libkmod.so.2'];

/** The files of one layer. */
export interface Files {
  readonly made: readonly ArchiveEntry[];
  /** As Debian's packages have them. */
  readonly copied: readonly FileEntry[];
}

const PASSWD = `root:x:0:0:root:/root:/usr/sbin/nologin\nnonroot:x:${NON_ROOT}:${NON_ROOT}:nonroot:/home/nonroot:/usr/sbin/nologin\n`;
const GROUP = `root:x:0:\nnonroot:x:${NON_ROOT}:\n`;

/** libnftables looks the names of protocols up there, of what it reads and of what it lists: https://man7.org/linux/man-pages/man5/protocols.5.html */
const PROTOCOLS = 'icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\nsctp 132 SCTP\n';

/** The bottom of both images: the folders of a Debian, node, its libraries. */
export async function baseFiles(debian: Debian, cacheFolder: string): Promise<Files> {
  const { release } = debian;
  const links = ['bin', 'sbin', 'lib', 'lib64'].flatMap((name): ArchiveEntry[] => [
    { path: `usr/${name}`, kind: 'folder' },
    { path: name, kind: 'link', to: `usr/${name}` },
  ]);
  const empty = ['app', 'dev', 'etc', 'home/nonroot', 'proc', 'root', 'run', 'sys', 'var/lib'];
  const made: ArchiveEntry[] = [
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
    // Scanners of images ask it whose packages these are.
    { path: 'etc/os-release', kind: 'text', text: `ID=${release.id}\nVERSION_ID="${release.version}"\n` },
    { path: 'etc/protocols', kind: 'text', text: PROTOCOLS },
    { path: 'usr/bin/node', kind: 'file', source: await strippedNode(debian, cacheFolder) },
    { path: 'usr/share/doc/node/LICENSE', kind: 'file', source: await licenceOfNode(debian), mode: 0o644 },
  ];
  return { made, copied: [...(await librariesOf([debian.node], debian)), ...(await resolverLibraries(debian))] };
}

/** What the daemon calls: tc with its tables of distributions, stress-ng, and libnftables, which it loads into itself; the command. */
export async function programFiles(debian: Debian, cacheFolder: string): Promise<Files> {
  const below = (...folders: string[]): string[] => folders.map((folder) => join(debian.root, folder));
  const tc = await realpath(await firstOf('tc', below('sbin', 'usr/sbin')));
  const stress = await realpath(await firstOf('stress-ng', below('usr/bin')));
  const libnftables = await firstOf('libnftables.so.1', libraryFolders(debian));
  const { needed } = await neededBy(stress);
  const unused = needed.filter((name) => UNUSED_LIBRARIES.includes(name));
  const replaced = unused.map(async (name): Promise<FileEntry> => {
    const library = await firstOf(name, libraryFolders(debian));
    const { architecture } = debian;
    const source = await standIn({ architecture, name, library, program: stress }, cacheFolder);
    return { path: place(library, debian), kind: 'file', source };
  });
  // There is no env in this image that would find node.
  const command = "#!/usr/bin/node\nimport('/app/chaosplane.js');\n";
  return {
    made: [{ path: 'usr/bin/chaosplane', kind: 'text', text: command, mode: 0o755 }, ...(await Promise.all(replaced))],
    copied: [
      { path: 'usr/sbin/tc', kind: 'file', source: tc },
      { path: 'usr/bin/stress-ng', kind: 'file', source: stress },
      { path: place(libnftables, debian), kind: 'file', source: libnftables },
      ...(await distributions(debian)),
      ...(await librariesOf([tc, libnftables, stress], debian, unused)),
    ],
  };
}

/** koffi as the bundle finds it, for one processor alone: it ships eighteen. */
export async function koffiFiles(repository: string, { koffi, architecture }: Debian): Promise<ArchiveEntry[]> {
  const wanted = /(?:\.c?js|package\.json|[/\\]linux_\w+[/\\]koffi\.node)$/;
  const unwanted = /(?:^|[/\\])(?:vendor|doc|lib|cnoke\.cjs)(?:[/\\]|$)/;
  const folders = await Promise.all(
    [
      { name: 'koffi', folder: join(repository, 'node_modules/koffi') },
      { name: `@koromix/koffi-linux-${machines[architecture].node}`, folder: koffi },
    ].map(async ({ name, folder }) => {
      const files = await readdir(folder, { recursive: true });
      const kept = files.filter((file) => wanted.test(`/${file}`) && !unwanted.test(file));
      return kept.map((file): ArchiveEntry => {
        return { path: `app/node_modules/${name}/${file}`, kind: 'file', source: join(folder, file), mode: 0o644 };
      });
    }),
  );
  return folders.flat();
}

/** What scanners read, a file for each package as in Google's distroless images, and under which terms each is passed on. */
export async function notesOf(packages: readonly DebianPackage[], { root }: Debian): Promise<ArchiveEntry[]> {
  const documents = join(root, 'usr/share/doc');
  const notes = packages.map(async ({ name, source, status }): Promise<ArchiveEntry[]> => {
    const folders = [name, `${source}-base`].map((folder) => join(documents, folder));
    const terms = await readFile(await firstOf('copyright', folders));
    return [
      { path: `var/lib/dpkg/status.d/${name}`, kind: 'text', text: status },
      { path: `usr/share/doc/${name}/copyright`, kind: 'text', text: terms },
    ];
  });
  return (await Promise.all(notes)).flat();
}

/** glibc loads these by name, so that no program names them; newer ones have them built in. */
async function resolverLibraries(debian: Debian): Promise<FileEntry[]> {
  const found = await Promise.all(
    ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'].map((name) =>
      firstOf(name, libraryFolders(debian)).catch(() => undefined),
    ),
  );
  return found.flatMap((source): FileEntry[] =>
    source === undefined ? [] : [{ path: place(source, debian), kind: 'file', source }],
  );
}

async function distributions(debian: Debian): Promise<FileEntry[]> {
  const folders = [...libraryFolders(debian).map((each) => join(each, 'tc')), join(debian.root, 'usr/lib/tc')];
  const folder = dirname(await firstOf('normal.dist', folders));
  const tables = (await readdir(folder)).filter((name) => name.endsWith('.dist')).toSorted();
  return tables.map((name): FileEntry => {
    const source = join(folder, name);
    return { path: place(source, debian), kind: 'file', source, mode: 0o644 };
  });
}

/** Beside the program in node's own archive, and in the package of npm that has it. */
function licenceOfNode({ node, architecture }: Debian): Promise<string> {
  const above = dirname(dirname(node));
  return firstOf('LICENSE', [above, join(above, 'node_modules', `node-linux-${machines[architecture].node}`)]);
}
