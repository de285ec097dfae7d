/** Reads what rules of nftables hold of xtables, as bytes: libnftables tells of it in words that depend on what it printed before. */
import { closeSync } from 'node:fs';
import type { XtPart } from '../../proxy/foreign/xt.ts';
import { attribute, attributeList, attributesIn, DUMP, message, REQUEST, zeroTerminated } from '../kernel/netlink.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { openNfnetlink, request } from '../kernel/nfnetlink.ts';

const NFTABLES = 10;
const FAMILIES: Readonly<Record<string, number>> = { inet: 1, ip: 2, ip6: 10 };
/** linux/netfilter/nf_tables.h: NFT_MSG_*, NFTA_RULE_*, NFTA_EXPR_*, and what NFTA_MATCH_* and NFTA_TARGET_* have in common. */
const [NEW_RULE, GET_RULE] = [6, 7];
const [RULE_TABLE, RULE_CHAIN, RULE_HANDLE, RULE_EXPRESSIONS] = [1, 2, 3, 4];
const [EXPRESSION_NAME, EXPRESSION_DATA] = [1, 2];
const [PART_NAME, PART_REVISION, PART_INFO] = [1, 2, 3];
/** struct nfgenmsg. */
const HEAD_BYTES = 4;

/** The matches and targets of each rule of a chain, by the rule's handle. @throws SystemError */
export function xtParts(
  netns: Pick<NetnsHandle, 'within'>,
  { family, table, chain }: { readonly family: string; readonly table: string; readonly chain: string },
): ReadonlyMap<number, readonly XtPart[]> {
  const found = new Map<number, readonly XtPart[]>();
  const question = message(
    {
      type: (NFTABLES << 8) | GET_RULE,
      flags: REQUEST | DUMP,
      sequence: 1,
      family: FAMILIES[family] ?? 0,
      resource: 0,
    },
    attribute(RULE_TABLE, zeroTerminated(table)),
    attribute(RULE_CHAIN, zeroTerminated(chain)),
  );
  const fd = openNfnetlink(netns);
  try {
    request(fd, `listing the rules of ${family} ${table} ${chain}`, [question], ({ type, body }) => {
      if (type !== ((NFTABLES << 8) | NEW_RULE)) return;
      const rule = attributesIn(body, HEAD_BYTES);
      const handle = Number(rule.get(RULE_HANDLE)?.readBigUInt64BE(0) ?? 0n);
      found.set(handle, attributeList(rule.get(RULE_EXPRESSIONS) ?? Buffer.alloc(0)).flatMap(partIn));
    });
  } finally {
    closeSync(fd);
  }
  return found;
}

function partIn(expression: Buffer): XtPart[] {
  const attributes = attributesIn(expression, 0);
  if (!['match', 'target'].includes(textIn(attributes.get(EXPRESSION_NAME)))) return [];
  const part = attributesIn(attributes.get(EXPRESSION_DATA) ?? Buffer.alloc(0), 0);
  const data = Buffer.from(part.get(PART_INFO) ?? Buffer.alloc(0));
  return [{ name: textIn(part.get(PART_NAME)), revision: part.get(PART_REVISION)?.readUInt32BE(0) ?? 0, data }];
}

const textIn = (value: Buffer | undefined): string => value?.toString('latin1').replace(/\0.*$/s, '') ?? '';
