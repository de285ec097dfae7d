/** Which user of the node a user namespace calls root. */
import { readFileSync } from 'node:fs';

/** From a uid_map or gid_map of proc(5); 0 when it cannot be read, or says nothing of root. */
export function mappedRoot(path: string): number {
  try {
    return rootIn(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}

/** Lines of `first-inside first-outside how-many`: see user_namespaces(7). */
export function rootIn(map: string): number {
  const lines = map.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return lines.find(([inside, , count = 0]) => inside === 0 && count > 0)?.[1] ?? 0;
}
