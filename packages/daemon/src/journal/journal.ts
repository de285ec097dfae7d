/** Write-ahead records on disk, one file per execution: what is not here does not exist, what is here is never forgotten. */
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ChaosError } from '@chaosplane/common';
import { z } from 'zod';
import { recordSchema, type ExecutionRecord } from './record.ts';

export type { ExecutionRecord } from './record.ts';

/** The operator's lease, as this daemon last heard of it. */
export interface LeaseRecord {
  readonly epoch: number;
  /** Milliseconds since the epoch of time. */
  readonly expiresAt: number;
}

/** What a journal holds. */
export interface JournalContents {
  readonly records: readonly ExecutionRecord[];
  readonly lease?: LeaseRecord;
  /** Files that could not be understood; they were put aside under the names given here. */
  readonly setAside: readonly string[];
}

/** Where executions are remembered. A promise resolves only once the content would survive a power cut. */
export interface Journal {
  load(): Promise<JournalContents>;
  write(record: ExecutionRecord): Promise<void>;
  writeLease(lease: LeaseRecord): Promise<void>;
  forget(id: string): Promise<void>;
}

const leaseSchema = z.object({ epoch: z.number(), expiresAt: z.number() });
const LEASE_FILE = 'lease.json';
const SUFFIX = '.json';
const DRAFT = '.draft';

/**
 * A journal in `stateDir`, made 0700 when it is not there.
 * @throws ChaosError FAILED_PRECONDITION when the folder cannot be used.
 */
export async function openJournal(stateDir: string): Promise<Journal> {
  const folder = join(stateDir, 'executions');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const way = 'give the daemon a folder it may write to (--state-dir)';
    throw new ChaosError('FAILED_PRECONDITION', `the journal cannot be kept in ${folder}: ${String(error)}; ${way}`, {
      cause: error,
    });
  }
  return {
    load: () => load(stateDir, folder),
    write: (record) => replaceFile(folder, `${record.id}${SUFFIX}`, JSON.stringify(record)),
    writeLease: (lease) => replaceFile(stateDir, LEASE_FILE, JSON.stringify(lease)),
    async forget(id) {
      await unlink(join(folder, `${id}${SUFFIX}`)).catch(ignoreMissing);
      await syncFolder(folder);
    },
  };
}

async function load(stateDir: string, folder: string): Promise<JournalContents> {
  const records: ExecutionRecord[] = [];
  const setAside: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    // A write that was cut off; what it would have replaced is still there.
    if (name.endsWith(DRAFT)) await unlink(path);
    if (!name.endsWith(SUFFIX)) continue;
    const record = parse(recordSchema, await readFile(path, 'utf8'));
    if (record !== undefined && `${record.id}${SUFFIX}` === name) {
      records.push(record);
      continue;
    }
    // Never thrown away: a person may want to read it. What it described is found again as an orphan.
    await rename(path, `${path}.unreadable`);
    setAside.push(`${path}.unreadable`);
  }
  const lease = parse(leaseSchema, await readFile(join(stateDir, LEASE_FILE), 'utf8').catch(() => ''));
  return { records, setAside, ...(lease === undefined ? {} : { lease }) };
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Two writes at the same time must not share a draft. */
let drafts = 0;

/** Either the old content or the new one is there after a crash at any instant (rename(2); fsync of file, then folder). */
async function replaceFile(folder: string, name: string, content: string): Promise<void> {
  const draft = join(folder, `${name}.${++drafts}${DRAFT}`);
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(folder, name));
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
