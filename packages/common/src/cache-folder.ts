/** Where this user keeps what is slow to make and may be made again. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** By the XDG base directory specification, which ignores what is empty or relative: https://specifications.freedesktop.org/basedir/latest/ */
export function cacheFolderOf(environment: Readonly<Record<string, string | undefined>>): string {
  const asked = environment['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(asked) ? asked : join(environment['HOME'] ?? homedir(), '.cache'), 'chaosplane');
}
