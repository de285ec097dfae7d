/** What proc(5) says of the memory of a process. Pure. */

/** Some of it, in bytes; `to` is the first one behind it. */
export interface Mapping {
  readonly from: number;
  readonly to: number;
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(.*)$/;

/**
 * Those of a file that cannot be written to, and of which no page differs from the file: `smaps` counts the others as Anonymous, and as Swap
 * where they are swapped out.
 * https://man7.org/linux/man-pages/man5/proc_pid_smaps.5.html
 */
export function parseMappings(smaps: string, file: string): Mapping[] {
  const found: Mapping[] = [];
  let last: Mapping | undefined;
  for (const line of smaps.split('\n')) {
    const [, from = '', to = '', rights = '', name] = HEAD.exec(line) ?? [];
    if (name !== undefined)
      last =
        name === file && !rights.includes('w')
          ? { from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) }
          : undefined;
    else if (/^(Anonymous|Swap): +[1-9]/.test(line)) last = undefined;
    else if (last !== undefined && /^Swap: +0 kB$/.test(line)) found.push(last);
  }
  return found;
}
