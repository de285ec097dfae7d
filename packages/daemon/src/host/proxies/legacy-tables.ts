/** Reads the rules of old iptables, which nft does not list, without starting a process. */
import { closeSync, readFileSync } from 'node:fs';
import { legacyTable } from '../../proxy/foreign/legacy.ts';
import type { ForeignTable } from '../../proxy/foreign/rules.ts';
import { filledSocketOption, socket } from '../kernel/ffi.ts';
import type { NetnsHandle } from '../kernel/netns.ts';

const [INET, INET6, RAW_SOCKET, IPPROTO_RAW] = [2, 10, 3, 255];
/** IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; IPv6 has the same numbers at a level of its own. */
const [GET_INFO, GET_ENTRIES] = [64, 65];
const NAME_BYTES = 32;
/** Of netfilter, for IP. */
const HOOKS = 5;

/** The legacy tables of both families whose rules can send connections elsewhere. */
export function legacyTables(netns: Pick<NetnsHandle, 'within'>): ForeignTable[] {
  return ([4, 6] as const).flatMap((family) =>
    netns.within(() => tableNames(family).map((name) => readTable(family, name))),
  );
}

/** Looked up first: merely asking for a table that is not there makes the kernel set it up. */
function tableNames(family: 4 | 6): string[] {
  const path = `/proc/thread-self/net/ip${family === 4 ? '' : '6'}_tables_names`;
  try {
    const names = readFileSync(path, 'utf8').split('\n');
    return ['raw', 'mangle', 'nat'].filter((name) => names.includes(name));
  } catch {
    return [];
  }
}

function readTable(family: 4 | 6, name: string): ForeignTable {
  const [domain, level] = family === 4 ? [INET, 0] : [INET6, 41];
  const fd = socket(domain, RAW_SOCKET, IPPROTO_RAW);
  try {
    const info = Buffer.alloc(84);
    info.write(name, 0);
    filledSocketOption(fd, level, GET_INFO, info);
    const bytes = info.readUInt32LE(80);
    const data = Buffer.alloc(NAME_BYTES + 8 + bytes);
    data.write(name, 0);
    data.writeUInt32LE(bytes, NAME_BYTES);
    filledSocketOption(fd, level, GET_ENTRIES, data);
    return legacyTable({
      name,
      family,
      validHooks: info.readUInt32LE(32),
      hookEntries: Array.from({ length: HOOKS }, (_, hook) => info.readUInt32LE(36 + 4 * hook)),
      entries: data.subarray(NAME_BYTES + 8),
    });
  } finally {
    closeSync(fd);
  }
}
