/** nftables in process: a session talks to one network namespace. */
import type { NetnsHandle } from './netns.ts';
import { contextOf, release, type Holder } from './nft-contexts.ts';
import { loadNftables, type Context } from './nftables.ts';

/** What nftables refused. The message holds the kernel's words and the command that failed. */
export class NftError extends Error {
  /** True when what should have been deleted, flushed or listed is not there. */
  readonly notFound: boolean;

  constructor(message: string, notFound: boolean) {
    super(message);
    this.name = 'NftError';
    this.notFound = notFound;
  }
}

/** NFT_CTX_OUTPUT_* of nftables/libnftables.h. */
const OUTPUT = { plain: 0, handles: 1 << 3, json: 1 << 4 } as const;

/** nft commands for one namespace. */
export interface NftSession {
  /**
   * One transaction. Returns what `list` commands print: in nft's own language, or as libnftables-json(5), or with the handle of
   * each rule behind it.
   * @throws NftError
   */
  run(commands: readonly string[], printed?: keyof typeof OUTPUT): string;
  /** Frees the context. Resolves when its socket is closed, which waits for a grace period of the kernel (13 ms). Idempotent. */
  close(): Promise<void>;
}

/**
 * A session whose context is made at its first use. `pinned`: the tables that it makes live as long as its context (`flags
 * owner`), so that is kept until the session is closed; others give way when there are many.
 */
export function openNft(netns: NetnsHandle, { pinned = false }: { readonly pinned?: boolean } = {}): NftSession {
  const holder: Holder = { netns, pinned };
  let closing: Promise<void> | undefined;
  return {
    run(commands, as = 'plain') {
      if (closing !== undefined) throw new Error(`nft in ${netns.path} was already closed`);
      if (commands.length === 0) return '';
      const context = contextOf(holder);
      const { run, output, error, printAs } = loadNftables();
      printAs(context, OUTPUT[as]);
      const failed = run(context, `${commands.join('\n')}\n`) !== 0;
      printAs(context, OUTPUT.plain);
      // Reading a buffer empties it: read both, or the next command would answer with this one's words.
      const [printed, refused] = [output(context) ?? '', error(context) ?? ''];
      if (failed) throw nftError(refused, commands);
      dropCache(context);
      return printed;
    },
    close: () => (closing ??= release(holder)),
  };
}

/**
 * A context keeps what it last saw of the kernel, 0.7 MB for each table, and reads it again before it is of use again. It lets go of
 * that after a dry run, also of nothing.
 */
function dropCache(context: Context): void {
  const { run, dryRun } = loadNftables();
  dryRun(context, true);
  run(context, '\n');
  dryRun(context, false);
}

const LONGEST_SHOWN = 300;

/** The error in what libnftables wrote: `<cmdline>:2:1-9: Error: words`, the command, and a line of carets. */
export function nftError(written: string, commands: readonly string[]): NftError {
  const lines = written.split('\n').filter((line) => line.trim() !== '' && !/^\s*[\^~]+/.test(line));
  const index = lines.findIndex((line) => line.includes('Error: '));
  const words = (lines[index] ?? lines[0] ?? 'nft failed without a word').replace(/^.*?Error: /, '');
  const shown = lines[index + 1] ?? '';
  const command = shown === '' ? commands.join('; ') : shown.trim();
  const notFound =
    words.includes('No such file or directory') && /^(delete|flush|list|reset|get|destroy)\b/.test(command);
  const cut = command.length > LONGEST_SHOWN ? `${command.slice(0, LONGEST_SHOWN)}…` : command;
  return new NftError(`nft: ${words}, in: ${cut}`, notFound);
}
