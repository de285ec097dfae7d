/** What a process has of memory. */
import { readFileSync } from 'node:fs';

/** In bytes: what is resident, and the most that ever was. See proc_pid_status(5), VmRSS and VmHWM. */
export function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { now: bytes('VmRSS'), most: bytes('VmHWM') };
}
