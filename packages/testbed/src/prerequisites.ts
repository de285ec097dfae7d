/** Says whether this machine can hold a test bed, and installs the Debian packages that are missing. */
import { access } from 'node:fs/promises';
import { aptInstall, canInstall } from './apt.ts';

/** Where a Go may be: in PATH, or where its own archive and Debian's packages put it. */
export function goPlaces(): string[] {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return [...folders, '/usr/local/go/bin', '/usr/bin', '/usr/lib/go-1.24/bin'].map((folder) => `${folder}/go`);
}

/** Debian package → the files that show it is there, any one of them. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  containerd: ['/usr/bin/containerd', '/usr/local/bin/containerd'],
  runc: ['/usr/sbin/runc', '/usr/bin/runc', '/usr/local/sbin/runc'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'],
  nftables: ['/usr/sbin/nft'],
  libnftables1: ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/libnftables.so.1`),
  'busybox-static': ['/usr/bin/busybox', '/bin/busybox'],
  iproute2: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'],
  'golang-go': goPlaces(),
};

export type CanRun = { ok: true } | { ok: false; reason: string; remedy: string };

/** The first of `paths` that exists; absent when none does. */
export async function firstExisting(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/** The Debian packages a test bed needs and this machine lacks. */
export async function missingPackages(): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(packages).map(async ([name, paths]) => ((await firstExisting(paths)) === undefined ? [name] : [])),
  );
  return found.flat();
}

/** Whether a test bed can be created here as things stand. */
export async function canRun(): Promise<CanRun> {
  if (process.getuid?.() !== 0)
    return { ok: false, reason: 'a test bed needs root', remedy: 'run the same command with sudo' };
  const missing = await missingPackages();
  if (missing.length === 0) return { ok: true };
  return { ok: false, reason: `missing: ${missing.join(', ')}`, remedy: `apt-get install ${missing.join(' ')}` };
}

/** Installs Debian packages with apt-get. Throws with the command a person can run when that is not possible. */
export async function install(missing: readonly string[], report: (line: string) => void): Promise<void> {
  if (missing.length === 0) return;
  const byHand = `as root run: apt-get install ${missing.join(' ')}`;
  if (!canInstall()) throw new Error(`missing: ${missing.join(', ')}; ${byHand}`);
  report(`installing ${missing.join(', ')} with apt-get: the test bed runs its own containerd`);
  const failure = await aptInstall(missing, report);
  if (failure !== undefined)
    throw new Error(`could not install ${missing.join(', ')}: ${failure.slice(-300)}; ${byHand}`);
}
