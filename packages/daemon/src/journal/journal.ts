/** Write-ahead records on disk, a file for each execution: what is not here does not exist, what is here is never forgotten. */
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ChaosError, defined } from '@chaosplane/common';
import * as z from 'zod';
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
  /** The last sign of life that a daemon left here, milliseconds since the epoch; absent when none ever did. */
  readonly aliveAt?: number;
  /** Files that could not be understood; they were put aside under the names given here. */
  readonly setAside: readonly string[];
}

/** What a write survives once its promise resolves: the end of the daemon's process, or a power loss as well. */
export type Durability = 'process-crash' | 'power-loss';

/** Where executions are remembered. Promises resolve once the content would survive a power cut, if nothing else is said. */
export interface Journal {
  load(): Promise<JournalContents>;
  /** After a power cut there is the last write that durability it, or one that came after that. */
  write(record: ExecutionRecord, durability?: Durability): Promise<void>;
  /** Resolves once what was written of the execution would survive a power cut. */
  sync(id: string): Promise<void>;
  writeLease(lease: LeaseRecord): Promise<void>;
  forget(id: string): Promise<void>;
  /** A sign of life, for the next daemon to know for how long there was none. It survives the end of the process. */
  beat(at: number): Promise<void>;
}

const leaseSchema = z.object({ epoch: z.number(), expiresAt: z.number() });
const LEASE_FILE = 'lease.json';
/** Empty; what counts is when it was changed. */
const ALIVE_FILE = 'alive';
const SUFFIX = '.json';
const DRAFT = '.draft';
/** A file with so many lines is replaced by its last one. */
const MOST_LINES = 32;
/** After a power cut, ext4 may have zeros for what was added and not synced: the file had its new length already. */
const LINE_END = /[\n\0]+/;

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
  /** How many lines the file of an execution has; none: it is not known to be there. */
  const lines = new Map<string, number>();
  return {
    load: () => load(stateDir, folder, lines),
    async write(record, durability = 'power-loss') {
      const name = `${record.id}${SUFFIX}`;
      const written = lines.get(record.id) ?? 0;
      const line = JSON.stringify(record);
      const added = written > 0 && written < MOST_LINES && (await appendLine(join(folder, name), line, durability));
      if (!added) await (written === 0 && durability === 'process-crash' ? addFile : replaceFile)(folder, name, line);
      lines.set(record.id, added ? written + 1 : 1);
    },
    // Together, the two cost one flush of the disk.
    async sync(id) {
      await Promise.all([syncAt(join(folder, `${id}${SUFFIX}`)), syncAt(folder)]);
    },
    writeLease: (lease) => replaceFile(stateDir, LEASE_FILE, JSON.stringify(lease)),
    async forget(id) {
      lines.delete(id);
      await unlink(join(folder, `${id}${SUFFIX}`)).catch(ignoreMissing);
      await syncAt(folder);
    },
    beat: (at) => touch(join(stateDir, ALIVE_FILE), at),
  };
}

async function load(stateDir: string, folder: string, lines: Map<string, number>): Promise<JournalContents> {
  const records: ExecutionRecord[] = [];
  const setAside: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    // A write that was cut off; what it would have replaced is still there.
    if (name.endsWith(DRAFT)) await unlink(path);
    if (!name.endsWith(SUFFIX)) continue;
    const written = (await readFile(path, 'utf8')).split(LINE_END);
    const record = parse(recordSchema, written.findLast(isWhole) ?? '');
    if (record !== undefined && `${record.id}${SUFFIX}` === name) {
      records.push(record);
      lines.set(record.id, written.length);
      continue;
    }
    // Never thrown away: a person may want to read it. What it described is found again as an orphan.
    await rename(path, `${path}.unreadable`);
    setAside.push(`${path}.unreadable`);
  }
  const lease = parse(leaseSchema, await readFile(join(stateDir, LEASE_FILE), 'utf8').catch(() => ''));
  const aliveAt = (await stat(join(stateDir, ALIVE_FILE)).catch(ignoreMissing))?.mtimeMs;
  return { records, setAside, ...defined({ lease, aliveAt }) };
}

/** Without a sync, so that the disk has no more to do than with any write of others. */
async function touch(path: string, at: number): Promise<void> {
  const seconds = at / 1000;
  try {
    await utimes(path, seconds, seconds);
  } catch (error) {
    ignoreMissing(error);
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    await file.utimes(seconds, seconds).finally(() => file.close());
  }
}

/** A crash, or a full disk, may have left any part of a line that no caller was told of; what was before it counts then. */
function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * Adds a line, the break before it: half a line of before does not spoil it. What was synced stays as it is, which a rename
 * without a sync would not promise (XFS may show an empty file then). False when the file was removed meanwhile.
 */
async function appendLine(path: string, line: string, durability: Durability): Promise<boolean> {
  const file = await open(path, constants.O_WRONLY | constants.O_APPEND).catch(ignoreMissing);
  if (file === undefined) return false;
  try {
    await file.writeFile(`\n${line}`);
    // Of the inode only the length has changed, and that is data to fdatasync(2).
    if (durability === 'power-loss') await file.datasync();
    return true;
  } finally {
    await file.close();
  }
}

/** Two writes at the same time must not share a draft. */
let drafts = 0;

/** Either the old content or the new one is there after a crash at any instant (rename(2); fsync of file, then folder). */
async function replaceFile(folder: string, name: string, content: string): Promise<void> {
  await rename(await writeDraft(folder, name, content, 'power-loss'), join(folder, name));
  await syncAt(folder);
}

/** A file where there is none: it is synced before anything relies on it, and whole from the beginning for every reader. */
async function addFile(folder: string, name: string, content: string): Promise<void> {
  await rename(await writeDraft(folder, name, content, 'process-crash'), join(folder, name));
}

async function writeDraft(folder: string, name: string, content: string, durability: Durability): Promise<string> {
  const draft = join(folder, `${name}.${++drafts}${DRAFT}`);
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    await file.writeFile(content);
    if (durability === 'power-loss') await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

async function syncAt(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
