/** A test bed from creation to the last trace: private container runtime, network, supervisor, pods. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@chaosplane/common';
import { appArchive } from './image.ts';
import { followJson, readLog } from './logs.ts';
import { conflist } from './network.ts';
import { createPods } from './pods.ts';
import { canRun } from './prerequisites.ts';
import { startRuntime, type RuntimeChoice } from './runtime.ts';
import { startTime, removeTestbed, type Marks } from './remove-testbed.ts';

const PREFIX = 'chaosplane-testbed-';

export interface TestbedOptions {
  report?: (line: string) => void;
  /** Ends the start early; what had been made is removed. */
  signal?: AbortSignal;
  /** Where the built image is kept; `~/.cache/chaosplane` when absent. */
  cacheFolder?: string;
  /** Debian's containerd when absent. */
  runtime?: RuntimeChoice;
}

export type Testbed = Awaited<ReturnType<typeof createTestbed>>;

function supervise(folder: string): ChildProcess {
  const program = join(import.meta.dirname, 'supervisor/main.ts');
  const child = spawn(process.execPath, [program, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  return child;
}

/** Starts a test bed. Throws with the reason and the remedy where the machine cannot hold one. */
export async function createTestbed({
  report = () => undefined,
  signal,
  cacheFolder,
  runtime = { kind: 'containerd' },
}: TestbedOptions = {}) {
  const able = await canRun();
  if (!able.ok) throw new Error(`${able.reason}; ${able.remedy}`);
  const image = await appArchive(cacheFolder ?? join(homedir(), '.cache/chaosplane'), report);
  signal?.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  // The root of a pod with users of its own has to come through.
  await chmod(folder, 0o711);
  const name = `cpbr${systemClock.randomHex(4)}`;
  const owner = { pid: process.pid, startTime: (await startTime(process.pid)) ?? '' };
  await writeFile(join(folder, 'testbed.json'), JSON.stringify({ name, owner } satisfies Marks));
  const supervisor = supervise(folder);
  let channel: { close(): void } | undefined;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      channel?.close();
      await removeTestbed(folder);
      supervisor.stdin?.end();
    })());
  try {
    await mkdir(join(folder, 'cni'));
    await writeFile(join(folder, 'cni/10.conflist'), await conflist(name, join(folder, 'ipam')));
    report(`starting a private ${runtime.kind}`);
    const started = await startRuntime(runtime, { folder, image }, signal);
    channel = started.channel;
    return {
      folder,
      /** The CRI socket, as a daemon wants it: `unix:///…`. */
      runtimeEndpoint: started.endpoint,
      runtimeKind: started.kind,
      ...createPods(folder, name, started),
      logs: (container: { logPath: string }) => readLog(container.logPath),
      /** Follows the JSON lines of `call` until the signal aborts. */
      follow: (container: { logPath: string }, onLine: (value: unknown) => void, until: AbortSignal) =>
        followJson(container.logPath, onLine, until),
      /** Removes everything; idempotent. */
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Removes test beds whose owner is gone, never those of a living one. Returns the folders it removed. */
export async function sweepLeftovers(parent = tmpdir()): Promise<string[]> {
  const removed: string[] = [];
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(PREFIX)) continue;
    const folder = join(parent, entry);
    const text = await readFile(join(folder, 'testbed.json'), 'utf8').catch(() => '');
    // Without the file it may be one that is just being made.
    if (text === '') continue;
    const { owner } = JSON.parse(text) as Marks;
    if ((await startTime(owner.pid)) === owner.startTime) continue;
    await removeTestbed(folder);
    removed.push(folder);
  }
  return removed;
}
