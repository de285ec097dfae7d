/** Reads container logs in the CRI format (`TIME STREAM F|P TEXT`), once or as they grow. */
import { open, readFile } from 'node:fs/promises';
import { systemClock } from '@chaosplane/common';

const text = (line: string): string => line.split(' ').slice(3).join(' ');

/** Everything a container wrote so far, both streams; empty when the file is not there yet. */
export async function readLog(path: string): Promise<string> {
  const raw = await readFile(path, 'utf8').catch(() => '');
  return raw.split('\n').map(text).join('\n');
}

/** Calls `onLine` with each JSON line of a log, from its beginning, until `signal` aborts; then resolves. */
export async function followJson(path: string, onLine: (value: unknown) => void, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'r');
  const chunk = Buffer.alloc(65_536);
  let position = 0;
  let rest = Buffer.alloc(0);
  while (!signal.aborted) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) {
      await systemClock.sleep(20, signal).catch(() => undefined);
      continue;
    }
    position += bytesRead;
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = text(rest.subarray(0, end).toString());
      rest = rest.subarray(end + 1);
      if (line.startsWith('{')) onLine(JSON.parse(line));
    }
  }
}
