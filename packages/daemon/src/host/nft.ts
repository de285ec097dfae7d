/** nftables in process: one libnftables context, which talks to the network namespace that it was made in. */
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { ChaosError } from '@chaosplane/common';
import koffi, { type KoffiFunc } from 'koffi';
import { setCloseOnExec, socketOption } from './ffi.ts';
import type { NetnsHandle } from './netns.ts';

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

/** nft commands for one namespace. */
export interface NftSession {
  /** One transaction. Returns what `list` commands print. @throws NftError */
  run(commands: readonly string[]): string;
  /** Frees the context off this thread: closing its socket waits for a grace period of the kernel (13 ms). Idempotent. */
  close(): Promise<void>;
}

type Context = bigint;

interface Library {
  create(flags: number): Context | null;
  run(context: Context, commands: string): number;
  dryRun(context: Context, dry: boolean): void;
  free: KoffiFunc<(context: Context) => void>;
  bufferOutput(context: Context): number;
  bufferError(context: Context): number;
  output(context: Context): string | null;
  error(context: Context): string | null;
}

let library: Library | undefined;

/** @throws ChaosError FAILED_PRECONDITION when libnftables is not installed. */
function loadLibrary(): Library {
  if (library !== undefined) return library;
  try {
    const nftables = koffi.load('libnftables.so.1');
    library = {
      create: nftables.func('void *nft_ctx_new(uint32_t)') as Library['create'],
      run: nftables.func('int nft_run_cmd_from_buffer(void *, str)') as Library['run'],
      dryRun: nftables.func('void nft_ctx_set_dry_run(void *, bool)') as Library['dryRun'],
      free: nftables.func('void nft_ctx_free(void *)') as unknown as Library['free'],
      bufferOutput: nftables.func('int nft_ctx_buffer_output(void *)') as Library['bufferOutput'],
      bufferError: nftables.func('int nft_ctx_buffer_error(void *)') as Library['bufferError'],
      output: nftables.func('str nft_ctx_get_output_buffer(void *)') as Library['output'],
      error: nftables.func('str nft_ctx_get_error_buffer(void *)') as Library['error'],
    };
    return library;
  } catch (error) {
    const message = 'libnftables.so.1 cannot be loaded: install it (apt-get install libnftables1)';
    throw new ChaosError('FAILED_PRECONDITION', message, { cause: error });
  }
}

/** A session whose context is made at its first use. */
export function openNft(netns: NetnsHandle): NftSession {
  let context: Context | undefined;
  let closing: Promise<void> | undefined;
  return {
    run(commands) {
      if (closing !== undefined) throw new Error(`nft in ${netns.path} was already closed`);
      if (commands.length === 0) return '';
      context ??= createContext(netns);
      const { run, output, error } = loadLibrary();
      const failed = run(context, `${commands.join('\n')}\n`) !== 0;
      // Reading a buffer empties it: read both, or the next command would answer with this one's words.
      const [printed, refused] = [output(context) ?? '', error(context) ?? ''];
      if (failed) throw nftError(refused, commands);
      dropCache(context);
      return printed;
    },
    close() {
      closing ??= context === undefined ? Promise.resolve() : freeContext(context);
      return closing;
    },
  };
}

/**
 * A context keeps what it last saw of the kernel, 0.7 MB for each table, and reads it anew before it is of use again. It lets go of
 * that after a dry run, also of nothing.
 */
function dropCache(context: Context): void {
  const { run, dryRun } = loadLibrary();
  dryRun(context, true);
  run(context, '\n');
  dryRun(context, false);
}

async function freeContext(context: Context): Promise<void> {
  const { free } = loadLibrary();
  const freeAsync = promisify((pointer: Context, done: (error: Error | null) => void) => free.async(pointer, done));
  await freeAsync(context);
}

function createContext(netns: NetnsHandle): Context {
  const { create, free, bufferOutput, bufferError } = loadLibrary();
  const context = netns.within(() => create(0));
  if (context === null) throw new ChaosError('INTERNAL', 'libnftables gives no context');
  // libnftables does not set close-on-exec on its socket: a surviving child would keep it and the namespace.
  closeNetlinkOnExec();
  if (bufferOutput(context) !== 0 || bufferError(context) !== 0) {
    free(context);
    throw new ChaosError('INTERNAL', 'libnftables has no memory for its buffers');
  }
  return context;
}

/** Sets close-on-exec on every netlink socket of this process; Node's own have it anyway. */
function closeNetlinkOnExec(): void {
  const [socketLevel, domain, netlink] = [1, 39, 16];
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    let found: number;
    try {
      found = socketOption(fd, socketLevel, domain, 4).readInt32LE();
    } catch {
      // Not a socket, or the descriptor by which the folder was read.
      continue;
    }
    if (found === netlink) setCloseOnExec(fd);
  }
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
