/** Which programs a block of a page calls, with which words: bash takes the block apart, and programs that only note it stand for the real ones. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/** One call: a program by the name that the page has for it, and its words. */
export type Call = readonly [program: string, ...words: string[]];

const RECORDER = `#!/bin/bash
printf '%s\\0' "\${0#"$RECORDED"/}" "$@" $'\\1' >> "$RECORDED/calls"
# What a pipe brings is read, so that no writer before it ends early; a terminal is never asked.
while IFS= read -r _; do :; done
`;

/**
 * The calls of the block, in the order in which they begin.
 * @throws Error when the block is no text that bash reads, or calls a program that is none of `programs` (paths below a folder, too).
 */
export async function callsOf(block: string, programs: readonly string[]): Promise<Call[]> {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-calls-'));
  try {
    for (const program of programs) {
      await mkdir(dirname(join(folder, program)), { recursive: true });
      await writeFile(join(folder, program), RECORDER);
      await chmod(join(folder, program), 0o755);
    }
    // Redirections of a page write here.
    const env = { PATH: folder, RECORDED: folder };
    await execa('/bin/bash', ['--norc', '--noprofile', '-uo', 'pipefail', '-c', `${block}\n:`], {
      cwd: folder,
      env,
      extendEnv: false,
      input: '',
      timeout: 20_000,
    }).then(({ stderr }) => {
      if (stderr !== '') throw new Error(stderr);
    });
    const calls = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
    return calls
      .split('\0\u0001\0')
      .filter((call) => call !== '')
      .map((call) => call.split('\0') as unknown as Call);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
