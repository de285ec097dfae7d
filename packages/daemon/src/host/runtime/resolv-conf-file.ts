/** Reads the resolv.conf that a runtime keeps for a pod, on the node. */
import { open } from 'node:fs/promises';
import type { DnsView } from '../../contract/host.ts';
import { viewOf } from './sandbox-info.ts';

/** The pod itself may write to it: no more than this is read. */
const MOST_BYTES = 64 * 1024;

/** What the file at this path of the node says. Absent when there is no path, no such file, or no server in it. */
export async function readResolvConf(path: string | undefined): Promise<DnsView | undefined> {
  if (path === undefined) return undefined;
  // The daemon's own root is that of its container, where it runs in one; the first process has the node's.
  for (const place of [`/proc/1/root${path}`, path]) {
    const view = await read(place).then(viewOf, () => undefined);
    if (view !== undefined) return view;
  }
  return undefined;
}

async function read(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
