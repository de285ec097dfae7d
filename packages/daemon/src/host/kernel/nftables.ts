/**
 * libnftables, loaded once. Its contexts share state that no lock guards: only the main thread calls it, and never `.async`.
 */
import { ChaosError } from '@chaosplane/common';
import koffi from 'koffi';

export type Context = bigint;

/** The functions of libnftables(3) that are used. */
export interface Nftables {
  create(flags: number): Context | null;
  run(context: Context, commands: string): number;
  /** Flags of its output. */
  printAs(context: Context, flags: number): void;
  dryRun(context: Context, dry: boolean): void;
  free(context: Context): void;
  bufferOutput(context: Context): number;
  bufferError(context: Context): number;
  output(context: Context): string | null;
  error(context: Context): string | null;
}

let library: Nftables | undefined;

/** @throws ChaosError FAILED_PRECONDITION when libnftables is not installed. */
export function loadNftables(): Nftables {
  if (library !== undefined) return library;
  try {
    const nftables = koffi.load('libnftables.so.1');
    library = {
      create: nftables.func('void *nft_ctx_new(uint32_t)') as Nftables['create'],
      run: nftables.func('int nft_run_cmd_from_buffer(void *, str)') as Nftables['run'],
      printAs: nftables.func('void nft_ctx_output_set_flags(void *, unsigned int)') as Nftables['printAs'],
      dryRun: nftables.func('void nft_ctx_set_dry_run(void *, bool)') as Nftables['dryRun'],
      free: nftables.func('void nft_ctx_free(void *)') as Nftables['free'],
      bufferOutput: nftables.func('int nft_ctx_buffer_output(void *)') as Nftables['bufferOutput'],
      bufferError: nftables.func('int nft_ctx_buffer_error(void *)') as Nftables['bufferError'],
      output: nftables.func('str nft_ctx_get_output_buffer(void *)') as Nftables['output'],
      error: nftables.func('str nft_ctx_get_error_buffer(void *)') as Nftables['error'],
    };
    return library;
  } catch (error) {
    const message = 'libnftables.so.1 cannot be loaded: install it (apt-get install libnftables1)';
    throw new ChaosError('FAILED_PRECONDITION', message, { cause: error });
  }
}
