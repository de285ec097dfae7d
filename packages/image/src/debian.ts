/** A Debian whose files are copied into an image: this machine, or packages that lie unpacked in a folder. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** The processors that there are images for, in the words of Debian and of OCI, which agree. */
export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** One processor, as Node.js and GNU call it. */
export const machines: Readonly<Record<Architecture, { readonly node: string; readonly gnu: string }>> = {
  amd64: { node: 'x64', gnu: 'x86_64' },
  arm64: { node: 'arm64', gnu: 'aarch64' },
};

/** From where an image is filled. */
export interface Debian {
  readonly architecture: Architecture;
  /** `/`, or the folder that stands for it. */
  readonly root: string;
  /** Which release: what of its `os-release` names it. */
  readonly release: Release;
  /** Node.js for this processor, and its version without a v in front. */
  readonly node: string;
  readonly nodeVersion: string;
  /** The folder with the package of koffi for this processor. */
  readonly koffi: string;
}

/** https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
export interface Release {
  /** `debian` */
  readonly id: string;
  /** `12` */
  readonly version: string;
}

/** A Debian package that has files in an image. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
  /** Its paragraph in dpkg's list of what is installed. */
  readonly status: string;
}

/** The processor of this machine. @throws Error when there are no images for it. */
export function ownArchitecture(): Architecture {
  const found = architectures.find((name) => machines[name].node === process.arch);
  if (found === undefined) throw new Error(`there are no images for the processor ${process.arch}`);
  return found;
}

/** This machine, with the Node.js that this process runs on. */
export async function thisMachine(repository: string): Promise<Debian> {
  const architecture = ownArchitecture();
  return {
    architecture,
    root: '/',
    release: await ownRelease(),
    node: process.execPath,
    nodeVersion: process.versions.node,
    koffi: join(repository, koffiFolder(architecture)),
  };
}

/** The release that this machine has. */
export async function ownRelease(): Promise<Release> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string): string => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), version: field('VERSION_ID') };
}

/** Where npm puts the package of koffi for a processor, below the repository. */
export function koffiFolder(architecture: Architecture): string {
  return `node_modules/@koromix/koffi-linux-${machines[architecture].node}`;
}

/** Where Debian's loader looks for libraries. */
export function libraryFolders({ root, architecture }: Pick<Debian, 'root' | 'architecture'>): string[] {
  const triplet = `${machines[architecture].gnu}-linux-gnu`;
  return [`usr/lib/${triplet}`, `lib/${triplet}`].map((folder) => join(root, folder));
}

/** The first of these folders that has the file. @throws Error that names the file. */
export async function firstOf(name: string, folders: readonly string[]): Promise<string> {
  for (const folder of folders) if (await exists(join(folder, name))) return join(folder, name);
  throw new Error(`${name} is missing in ${folders.join(', ')}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const FIELDS = ['Package', 'Version', 'Architecture', 'source:Package', 'source:Version'];

/**
 * The packages that these files belong to, sorted by name.
 * @param paths absolute, below the root of the Debian.
 * @throws Error naming files that belong to no package.
 */
export async function packagesOf({ root }: Pick<Debian, 'root'>, paths: readonly string[]): Promise<DebianPackage[]> {
  const query = async (...args: string[]): Promise<string> => {
    const command = ['--admindir', join(root, 'var/lib/dpkg'), ...args];
    return (await execa('dpkg-query', command, { reject: false, env: { LC_ALL: 'C' } })).stdout;
  };
  // Debian moves files from /lib to /usr/lib; packages name them by either.
  const names = paths.map((path) => `/${path.slice(root.length).replace(/^\/?(?:usr\/)?/, '')}`);
  const owners = parseOwners(await query('--search', ...names.flatMap((name) => [name, `/usr${name}`])));
  const without = names.filter((name) => !owners.has(name) && !owners.has(`/usr${name}`));
  if (without.length > 0) throw new Error(`no Debian package has ${without.join(', ')}`);
  const wanted = [...new Set(owners.values())].toSorted();
  if (wanted.length === 0) return [];
  const format = `${FIELDS.map((field) => `\${${field}}`).join('\t')}\n`;
  const lines = (await query('--show', `--showformat=${format}`, ...wanted)).trim().split('\n');
  const statuses = (await query('--status', ...wanted)).trim().split(/\n\n+/);
  const found = lines.map((line): DebianPackage => {
    const [name = '', version = '', architecture = '', source = '', sourceVersion = ''] = line.split('\t');
    const status = statuses.find((text) => text.startsWith(`Package: ${name}\n`)) ?? '';
    return { name, version, architecture, source, sourceVersion, status: `${status}\n` };
  });
  return found.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** Path → package, with its architecture where dpkg says it, of the output of `dpkg-query --search`. */
export function parseOwners(output: string): Map<string, string> {
  const lines = output.split('\n').map((line) => /^(?!diversion by )([^, ]+)(?:, [^ ]+)*: (\/.*)$/.exec(line));
  return new Map(lines.flatMap((match) => (match === null ? [] : [[match[2] ?? '', match[1] ?? '']])));
}
