/** Debian's newer kernel, from its backports, without a change to the package sources of this machine. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What signs Debian's archive; of the package debian-archive-keyring, which every Debian has. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A package, and the options that make apt find it. */
export interface AptPackage {
  readonly name: string;
  readonly aptOptions: readonly string[];
}

/**
 * The newest kernel in the backports of this machine's Debian, from the mirror that this machine uses. Keeps the lists of
 * packages in `folder`.
 * @throws Error when this is no Debian, or its mirror has no backports.
 */
export async function backportedKernel(folder: string): Promise<AptPackage> {
  const { uri, codename } = await mirror();
  const sources = join(folder, 'backports.list');
  const lists = join(folder, 'lists');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await writeFile(sources, `deb [signed-by=${KEYRING}] ${uri} ${codename}-backports main\n`);
  const settings = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': lists,
    // The lists of this machine have caches of their own.
    'Dir::Cache::PkgCache': '',
    'Dir::Cache::SrcPkgCache': '',
    'APT::Sandbox::User': 'root',
  };
  const aptOptions = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...aptOptions, '-qq', 'update']);
  const { stdout } = await run('apt-cache', [...aptOptions, 'search', '--names-only', '^linux-image-[0-9].*-amd64$']);
  const name = newestKernel(stdout);
  if (name === undefined) throw new Error(`${codename}-backports has no kernel`);
  return { name, aptOptions };
}

/** Of what `apt-cache search` prints, the newest kernel for any PC. Pure. */
export function newestKernel(found: string): string | undefined {
  const names = found.split('\n').map((line) => line.split(' ', 1)[0] ?? '');
  return names
    .filter((name) => /^linux-image-[\d.]+\+deb[\d.]+-amd64$/.test(name))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}

async function mirror(): Promise<{ readonly uri: string; readonly codename: string }> {
  const argv = ['indextargets', '--format', '$(REPO_URI) $(CODENAME)', 'Created-By: Packages', 'Origin: Debian'];
  const { stdout } = await run('apt-get', argv).catch(() => ({ stdout: '' }));
  const [, uri, codename] = /^(\S+) ([a-z]+)$/m.exec(stdout) ?? [];
  if (uri === undefined || codename === undefined) throw new Error('apt knows no mirror of Debian here');
  return { uri, codename };
}
