/** Looking for redirects among the rules of old iptables, which nft does not list, without starting a process. */
import { closeSync, readFileSync } from 'node:fs';
import { filledSocketOption, socket } from '../ffi.ts';
import type { NetnsHandle } from '../netns.ts';

const [INET, INET6, RAW_SOCKET, IPPROTO_RAW] = [2, 10, 3, 255];
/** IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; IPv6 has the same numbers at a level of its own. */
const [GET_INFO, GET_ENTRIES] = [64, 65];
const NAME_BYTES = 32;

/** The targets that send connections elsewhere, of both families, in the legacy `nat` table of a namespace. */
export function legacyRedirects(netns: Pick<NetnsHandle, 'within'>): string[] {
  return [INET, INET6].flatMap((family) => {
    const rules = netns.within(() => (hasNatTable(family) ? natRules(family) : Buffer.alloc(0)));
    return ['REDIRECT', 'DNAT', 'TPROXY'].filter((target) => rules.includes(`\0${target}\0`, 0, 'latin1'));
  });
}

/** Looked up first: merely asking for a table that is not there makes the kernel set it up. */
function hasNatTable(family: number): boolean {
  const path = `/proc/thread-self/net/ip${family === INET ? '' : '6'}_tables_names`;
  try {
    return readFileSync(path, 'utf8').split('\n').includes('nat');
  } catch {
    return false;
  }
}

/** The table as the kernel has it: struct ipt_entry after struct ipt_entry. */
function natRules(family: number): Buffer {
  const level = family === INET ? 0 : 41;
  const fd = socket(family, RAW_SOCKET, IPPROTO_RAW);
  try {
    const info = Buffer.alloc(84);
    info.write('nat', 0);
    filledSocketOption(fd, level, GET_INFO, info);
    const bytes = info.readUInt32LE(80);
    const entries = Buffer.alloc(NAME_BYTES + 8 + bytes);
    entries.write('nat', 0);
    entries.writeUInt32LE(bytes, NAME_BYTES);
    filledSocketOption(fd, level, GET_ENTRIES, entries);
    return entries;
  } finally {
    closeSync(fd);
  }
}
