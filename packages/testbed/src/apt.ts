/** Installs Debian packages, and says how far it is: apt-get tells that to programs on a descriptor of its own. */
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { execa } from 'execa';

/** How often a line says how far it is. */
const SAY_EVERY_MS = 10_000;

/** One line of APT::Status-Fd: `dlstatus:ITEM:PERCENT:WORDS` while it fetches, `pmstatus:PACKAGE:PERCENT:WORDS` while it installs. */
export function aptStatus(
  line: string,
): { readonly doing: 'fetching' | 'installing'; readonly percent: number } | undefined {
  const [, kind, percent] = /^(dlstatus|pmstatus):[^:]*:([\d.]+):/.exec(line) ?? [];
  if (kind === undefined || percent === undefined) return undefined;
  return { doing: kind === 'dlstatus' ? 'fetching' : 'installing', percent: Number(percent) };
}

/** For people: how much is done, and how long the rest takes at the pace of this part. */
export function aptLine({ doing, percent }: NonNullable<ReturnType<typeof aptStatus>>, elapsedMs: number): string {
  const left = percent >= 5 ? `, about ${Math.round(((elapsedMs / percent) * (100 - percent)) / 1000)} s to go` : '';
  return `apt-get: ${doing}, ${Math.round(percent)} %${left}`;
}

/** What stands in the way: without root, or apt-get, nothing can be installed. */
export const canInstall = (): boolean => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

/** Installs them; the lists of packages are brought up to date when that is needed. Resolves with what apt-get said when it failed. */
export async function aptInstall(
  packages: readonly string[],
  report: (line: string) => void,
): Promise<string | undefined> {
  const argv = ['install', '-qq', '-y', '--no-install-recommends', ...packages];
  const first = await apt(argv, report);
  if (first === undefined) return undefined;
  await apt(['update', '-qq'], report);
  return apt(argv, report);
}

async function apt(argv: readonly string[], report: (line: string) => void): Promise<string | undefined> {
  const running = execa('apt-get', ['-o', 'APT::Status-Fd=3', ...argv], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    reject: false,
    all: true,
  });
  let begun = performance.now();
  let now: ReturnType<typeof aptStatus>;
  createInterface({ input: running.stdio[3] }).on('line', (line) => {
    const status = aptStatus(line);
    if (status === undefined) return;
    if (status.doing !== now?.doing) begun = performance.now();
    now = status;
  });
  const timer = setInterval(() => {
    if (now !== undefined) report(aptLine(now, performance.now() - begun));
  }, SAY_EVERY_MS);
  const result = await running;
  clearInterval(timer);
  return result.failed ? result.all : undefined;
}
