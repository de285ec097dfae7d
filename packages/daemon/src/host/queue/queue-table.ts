/** The nft table whose rules pass marked packets to an NFQUEUE, with bypass: they go on when no process listens. */
import { close } from 'node:fs';
import {
  ACKNOWLEDGE,
  APPEND,
  attribute,
  CREATE,
  message,
  nested,
  number32,
  REQUEST,
  zeroTerminated,
} from '../kernel/netlink.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { openNfnetlink, request } from '../kernel/nfnetlink.ts';
import { NftError, type NftSession } from '../kernel/nft.ts';

/** Packets that leave, and packets that come in; with the numbers of their hooks. */
const CHAINS = { postrouting: 4, prerouting: 0 } as const;
/** Just after the layers of a namespace have set the bits of the mark (150 and -250). */
const PRIORITIES = { postrouting: 151, prerouting: -249 } as const;

/** By which kind of rule packets get to the queue. */
export type QueueRule = 'nft queue' | 'nft_compat NFQUEUE';

/** Whether this kernel has refused the nft expression: it looks for a module each time, which takes 30 ms of this thread. */
let onlyCompat = false;

/**
 * Creates the table, or replaces it, in one transaction. It asks for bits of the mark alone, on any interface: a packet that a program
 * of the pod itself has marked with one of them (MARK_MASK), on an interface that no layer names, waits like the layer's own. Known
 * meshes and kube-proxy use other bits; a rule by interface would have to be replaced whenever a layer comes or goes, and
 * taking a hook away makes the kernel drop what waits. Where the kernel has no nft `queue` (CONFIG_NFT_QUEUE), the
 * rule uses the xtables target NFQUEUE through nft_compat: libnftables cannot write that, so it is sent as bytes.
 * @throws SystemError or NftError when the kernel has neither.
 */
export function createQueueTable(
  netns: NetnsHandle,
  nft: NftSession,
  { table, mask, queue }: { readonly table: string; readonly mask: number; readonly queue: number },
): QueueRule {
  if (!onlyCompat && createByExpression(nft, table, mask, queue)) return 'nft queue';
  const fd = openNfnetlink(netns);
  try {
    request(fd, `nft_compat table ${table}`, compatTransaction(table, mask, queue));
    onlyCompat = true;
    return 'nft_compat NFQUEUE';
  } catch (error) {
    // What was refused may have been something else; the next one tries both again.
    onlyCompat = false;
    throw error;
  } finally {
    // Off this thread: it waits for a grace period of the kernel (13 ms).
    close(fd, () => undefined);
  }
}

/** Whether the kernel took it. */
function createByExpression(nft: NftSession, table: string, mask: number, queue: number): boolean {
  const hexMask = `0x${(mask >>> 0).toString(16)}`;
  try {
    nft.run([
      `add table inet ${table}`,
      `delete table inet ${table}`,
      `add table inet ${table}`,
      ...Object.entries(PRIORITIES).flatMap(([chain, priority]) => [
        `add chain inet ${table} ${chain} { type filter hook ${chain} priority ${priority} ; policy accept ; }`,
        `add rule inet ${table} ${chain} meta mark and ${hexMask} != 0 queue num ${queue} bypass`,
      ]),
    ]);
    return true;
  } catch (error) {
    if (error instanceof NftError) return false;
    throw error;
  }
}

const NFTABLES = 10;
const INET = 1;
const [NEW_TABLE, DELETE_TABLE, NEW_CHAIN, NEW_RULE] = [0, 2, 3, 6];
const [BATCH_BEGIN, BATCH_END] = [0x10, 0x11];

/** The transaction of linux/netfilter/nf_tables.h that makes the table again. */
export function compatTransaction(table: string, mask: number, queue: number): Buffer[] {
  let sequence = 0;
  const edge = (type: number): Buffer =>
    message({ type, flags: REQUEST, sequence: ++sequence, family: 0, resource: NFTABLES });
  const step = (kind: number, flags: number, ...attributes: Buffer[]): Buffer => {
    const head = { type: (NFTABLES << 8) | kind, flags: REQUEST | ACKNOWLEDGE | flags, family: INET, resource: 0 };
    return message({ ...head, sequence: ++sequence }, ...attributes);
  };
  const name = attribute(1, zeroTerminated(table));
  return [
    edge(BATCH_BEGIN),
    step(NEW_TABLE, CREATE, name),
    step(DELETE_TABLE, 0, name),
    step(NEW_TABLE, CREATE, name),
    ...(['postrouting', 'prerouting'] as const).flatMap((chain) => [
      step(NEW_CHAIN, CREATE, name, ...chainAttributes(chain)),
      step(
        NEW_RULE,
        CREATE | APPEND,
        name,
        attribute(2, zeroTerminated(chain)),
        nested(4, ...expressions(mask, queue)),
      ),
    ]),
    edge(BATCH_END),
  ];
}

function chainAttributes(chain: keyof typeof CHAINS): Buffer[] {
  const acceptPolicy = 1;
  return [
    attribute(3, zeroTerminated(chain)),
    nested(4, attribute(1, number32(CHAINS[chain])), attribute(2, number32(PRIORITIES[chain]))),
    attribute(5, number32(acceptPolicy)),
    attribute(7, zeroTerminated('filter')),
  ];
}

/** `meta mark and MASK != 0`, then the target. */
function expressions(mask: number, queue: number): Buffer[] {
  const expression = (kind: string, ...data: Buffer[]): Buffer =>
    nested(1, attribute(1, zeroTerminated(kind)), nested(2, ...data));
  const [register, metaMark, notEqual] = [number32(1), number32(3), number32(1)];
  const zero = attribute(1, Buffer.alloc(4));
  // The mark is in the order of the machine, unlike everything else here.
  const machineMask = Buffer.alloc(4);
  machineMask.writeUInt32LE(mask >>> 0);
  return [
    expression('meta', attribute(2, metaMark), attribute(1, register)),
    expression(
      'bitwise',
      attribute(1, register),
      attribute(2, register),
      attribute(3, number32(4)),
      nested(4, attribute(1, machineMask)),
      nested(5, zero),
    ),
    expression('cmp', attribute(1, register), attribute(2, notEqual), nested(3, zero)),
    expression(
      'target',
      attribute(1, zeroTerminated('NFQUEUE')),
      attribute(2, number32(3)),
      attribute(3, targetInfo(queue)),
    ),
  ];
}

/** struct xt_NFQ_info_v3: queue number, how many queues, flags (1: bypass); padded to eight bytes. */
function targetInfo(queue: number): Buffer {
  const info = Buffer.alloc(8);
  info.writeUInt16LE(queue, 0);
  info.writeUInt16LE(1, 2);
  info.writeUInt16LE(1, 4);
  return info;
}
