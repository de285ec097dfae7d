/** What nftables lists as JSON (libnftables-json(5)) as tables that a packet can be followed through. Pure. */
import { HOLD_TABLE, PROXY_TABLE } from '../names.ts';
import type { Choice, FlowCondition, ForeignChain, ForeignRule, ForeignTable, Verdict } from './rules.ts';
import { listIn, listOf, objectIn, textOf, type Json, type JsonObject, type Sets } from './json.ts';
import { compare, conditionOf } from './nft-match.ts';
import { redirects, targetWords, untracks, xtCondition, type XtPart } from './xt.ts';

/** What JSON does not tell of a rule, by `family table chain` and handle. */
export interface Details {
  /** The words in which nft itself writes it; only for chains without xtables, for which nft writes to standard error as well. */
  words(chain: string, handle: number): string;
  /** Its matches and targets of xtables, of which JSON has the names alone. */
  parts(chain: string, handle: number): readonly XtPart[];
}

const FAMILIES: Readonly<Record<string, readonly (4 | 6)[]>> = { ip: [4], ip6: [6], inet: [4, 6] };

/** A chain as `list chains` tells of it. */
export interface ListedChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
}

/** The chains of others in tables that packets of programs come by, from what `list chains` prints. */
export function chainsIn(json: string): ListedChain[] {
  const chains = objectsIn(json).flatMap(({ chain }) => (chain as unknown as ListedChain | undefined) ?? []);
  const isOurs = ({ family, table }: ListedChain): boolean =>
    family === 'inet' && [PROXY_TABLE, HOLD_TABLE].includes(table);
  const hooked = chains.filter(({ family, hook }) => FAMILIES[family] !== undefined && isMet(hook));
  const tables = new Set(hooked.filter((chain) => !isOurs(chain)).map(({ family, table }) => `${family} ${table}`));
  return chains.filter(({ family, table }) => tables.has(`${family} ${table}`));
}

const isMet = (hook: string | undefined): boolean => hook === 'prerouting' || hook === 'output';

/** The sets and maps that rules look packets up in, as nft commands that list them, from what `list chain` prints. */
export function lookupsIn(json: string): string[] {
  const rules = ofKind('rule', objectsIn(json));
  return rules.flatMap((rule) => {
    const text = JSON.stringify(rule['expr']);
    const at = `${textOf(rule['family'])} ${textOf(rule['table'])}`;
    const maps = [...text.matchAll(/"data":"@([A-Za-z0-9_.-]+)"/g)].map(([, name = '']) => `list map ${at} ${name}`);
    const sets = [...text.matchAll(/"right":"@([A-Za-z0-9_.-]+)"/g)].map(([, name = '']) => `list set ${at} ${name}`);
    return [...maps, ...sets];
  });
}

function objectsIn(json: string): readonly JsonObject[] {
  return (JSON.parse(json) as { readonly nftables: readonly JsonObject[] }).nftables;
}

function ofKind(kind: string, objects: readonly JsonObject[]): JsonObject[] {
  return objects.flatMap((object): JsonObject[] => {
    const found = objectIn(object[kind]);
    return found === undefined ? [] : [found];
  });
}

/** The tables behind what nft printed of their chains, sets and maps. */
export function tablesIn(printed: readonly string[], details: Details): ForeignTable[] {
  const objects = printed.flatMap(objectsIn);
  const of = (kind: string): JsonObject[] => ofKind(kind, objects);
  const nameOf = (object: JsonObject): string => `${textOf(object['family'])} ${textOf(object['table'])}`;
  return [...Map.groupBy(of('chain'), nameOf)].map(([name, chains]): ForeignTable => {
    const inTable = (object: JsonObject): boolean => nameOf(object) === name;
    const sets = new Map(
      [...of('set'), ...of('map')].filter(inTable).map((set) => [`@${textOf(set['name'])}`, listIn(set['elem'])]),
    );
    const rules = of('rule').filter(inTable);
    const read = chains.map((chain): [string, ForeignChain] => {
      const [chainName, hook] = [textOf(chain['name']), chain['hook']];
      const own = rules.filter((rule) => rule['chain'] === chainName);
      const at = `${name} ${chainName}`;
      const mixed = own.some(({ expr }) => listIn(expr).some(isXt));
      const body = own.map((rule) => {
        const [statements, handle] = [listIn(rule['expr']), Number(rule['handle'])];
        const parts = statements.some(isXt) ? details.parts(at, handle) : [];
        const words = (): string => (mixed ? wordsOf(statements, parts) : details.words(at, handle));
        return ruleOf(statements, sets, parts, words);
      });
      return [chainName, { name: chainName, rules: body, ...(typeof hook === 'string' ? { hook } : {}) }];
    });
    return { name, families: FAMILIES[name.split(' ')[0] ?? ''] ?? [], chains: new Map(read) };
  });
}

/** Statements that neither ask anything of a packet nor change its way. */
const PASSING = ['counter', 'log', 'mangle', 'comment', 'ct helper', 'snat', 'masquerade', 'set', 'map'];

const isXt = (statement: Json): boolean => objectIn(statement)?.['xt'] !== undefined;

/** `parts`: what of xtables is in the rule. */
function ruleOf(statements: readonly Json[], sets: Sets, parts: readonly XtPart[], words: () => string): ForeignRule {
  const conditions: FlowCondition[] = [];
  let verdict: Verdict = { kind: 'next' };
  for (const statement of statements) {
    const [[kind, value] = ['', null]] = Object.entries(objectIn(statement) ?? {});
    const found = kind === 'xt' ? xtVerdict(value, parts) : verdictOf(kind, value, sets);
    if (found !== undefined) verdict = found;
    else if (kind === 'match') conditions.push(conditionOf(objectIn(value) ?? {}, sets));
    else if (kind === 'xt' && objectIn(value)?.['type'] === 'match') conditions.push(...xtConditions(value, parts));
    else if (kind !== 'xt' && !PASSING.includes(kind)) conditions.push(() => 'maybe');
  }
  return { words, conditions, verdict };
}

/** Of a rule that was changed between two looks, nothing is certain. */
function xtConditions(value: Json, parts: readonly XtPart[]): FlowCondition[] {
  const found = parts.filter(({ name }) => name === objectIn(value)?.['name']);
  return found.length === 0 ? [() => 'maybe'] : found.map(xtCondition);
}

function xtVerdict(value: Json, parts: readonly XtPart[]): Verdict | undefined {
  const name = textOf(objectIn(value)?.['name']);
  if (redirects({ name })) return { kind: 'redirect' };
  return parts.some((part) => part.name === name && untracks(part)) ? { kind: 'untracked' } : undefined;
}

/** As old iptables writes a rule, but for what nft has no xtables for. */
function wordsOf(statements: readonly Json[], parts: readonly XtPart[]): string {
  return statements
    .flatMap((statement): string[] => {
      const [[kind, value] = ['', null]] = Object.entries(objectIn(statement) ?? {});
      if (kind !== 'xt') return PASSING.includes(kind) || kind === 'match' ? [] : [kind];
      const name = textOf(objectIn(value)?.['name']);
      if (objectIn(value)?.['type'] === 'match') return [`-m ${name}`];
      return [
        `-j ${targetWords(parts.find((part) => part.name === name) ?? { name, revision: 0, data: Buffer.alloc(0) })}`,
      ];
    })
    .join(' ');
}

function verdictOf(kind: string, value: Json, sets: Sets): Verdict | undefined {
  switch (kind) {
    case 'redirect':
    case 'dnat':
    case 'tproxy':
      return { kind: 'redirect' };
    case 'notrack':
      return { kind: 'untracked' };
    case 'accept':
    case 'drop':
    case 'reject':
    case 'queue':
      return { kind: 'end' };
    case 'return':
    case 'continue':
      return { kind: kind === 'return' ? 'return' : 'next' };
    case 'jump':
    case 'goto':
      return { kind, chain: textOf(objectIn(value)?.['target']) };
    case 'vmap': {
      const map = objectIn(value) ?? {};
      return {
        kind: 'choice',
        choices: listOf(map['data'] ?? null, sets).flatMap((entry) => choiceOf(map['key'] ?? null, entry, sets)),
      };
    }
    default:
      return undefined;
  }
}

function choiceOf(key: Json, entry: Json, sets: Sets): Choice[] {
  const [value = null, action = null] = listIn(entry);
  const [[kind, target] = ['', null]] = Object.entries(objectIn(action) ?? {});
  const verdict = verdictOf(kind, target, sets);
  return verdict === undefined ? [] : [{ condition: (flow) => compare(key, value, flow, sets), verdict }];
}
