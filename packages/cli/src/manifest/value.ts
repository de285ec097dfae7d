/** One document as the value that kubectl would send: every scalar, key, anchor and merge as it reads them. Pure. */
import { ChaosError } from '@chaosplane/common';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type Node } from 'yaml';
import { plainScalar } from './scalar.ts';
import { StreamError, type Part } from './stream.ts';

type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** Aliases make one node many; more than this is no file of experiments. */
const MOST_NODES = 100_000;
const DEEPEST = 200;

interface Reading {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly first: number;
  readonly text: string;
  /** Whether it is JSON, which is read by another parser there. */
  readonly json: boolean;
  /** Anchors by name; a later one of a name takes its place. */
  readonly anchors: Map<string, Node>;
  nodes: number;
  /** How many flow collections, [ ] or { }, stand around. */
  flow: number;
}

/**
 * The value of a document; null for one with nothing in it.
 * @throws StreamError for what is not YAML, and for what kubectl refuses or reads in another way than it looks.
 */
export function valueOf({ text, line: first }: Part): Value {
  const json = isJson(text);
  const tab = json ? -1 : text.split('\n').findIndex((line) => /^ *\t\s*$/.test(line));
  if (tab >= 0) throw new StreamError(first + tab, 'a tab stands where spaces are expected');
  const lines = new LineCounter();
  const documents = parse(text, lines, first);
  const [document] = documents;
  if (document === undefined) {
    if (/^%/m.test(text)) throw new StreamError(first, 'a directive (%YAML, %TAG) is not read by kubectl');
    return null;
  }
  const [wrong] = document.errors;
  if (wrong !== undefined) throw new StreamError(first - 1 + (wrong.linePos?.[0].line ?? 1), short(wrong.message));
  if (documents.length > 1)
    throw new StreamError(first, 'kubectl leaves out what follows the line ..., without a word');
  if (document.contents === null) return null;
  return convert({ document, lines, first, text, json, anchors: new Map(), nodes: 0, flow: 0 }, document.contents, 0);
}

function parse(text: string, lineCounter: LineCounter, first: number): Document[] {
  try {
    // Scalars stay texts, because what they stand for is decided here.
    const options = { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent', lineCounter } as const;
    return [...parseAllDocuments(text, options)] as Document[];
  } catch (error) {
    if (error instanceof ChaosError) throw error;
    throw new StreamError(first, 'it is nested too deeply');
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const short = (message: string): string => message.split(/ at line \d+/)[0] ?? message;

function refuse({ lines, first }: Reading, node: Node, why: string): never {
  const { line } = lines.linePos(node.range?.[0] ?? 0);
  throw new StreamError(first - 1 + line, why);
}

function convert(reading: Reading, node: Node, depth: number): Value {
  if (++reading.nodes > MOST_NODES) refuse(reading, node, 'its aliases stand for too much');
  if (depth > DEEPEST) refuse(reading, node, 'it is nested too deeply');
  if (isAlias(node)) {
    const meant = reading.anchors.get(node.source);
    return meant === undefined
      ? refuse(reading, node, `there is no anchor &${node.source} before it`)
      : convert(reading, meant, depth + 1);
  }
  // What contains itself never finds its anchor, because that is set behind it.
  const value = withoutAlias(reading, node, depth);
  if (node.anchor !== undefined) reading.anchors.set(node.anchor, node);
  return value;
}

function withoutAlias(
  reading: Reading,
  node: Exclude<Node, { source: string } & { type: 'ALIAS' }>,
  depth: number,
): Value {
  const { tag } = node as { readonly tag?: string };
  const natural = isMap(node) ? 'map' : isSeq(node) ? 'seq' : 'str';
  if (tag !== undefined && tag !== '!' && tag !== `tag:yaml.org,2002:${natural}`)
    refuse(
      reading,
      node,
      `the tag ${tag.replace('tag:yaml.org,2002:', '!!')} is not taken: write the value without it`,
    );
  if (isMap(node) || isSeq(node)) {
    reading.flow += node.flow === true ? 1 : 0;
    const value = isMap(node)
      ? mapOf(reading, node.items as MapItems, depth)
      : node.items.map((item) => convert(reading, item as Node, depth + 1));
    reading.flow -= node.flow === true ? 1 : 0;
    return value;
  }
  if (!isScalar(node)) return refuse(reading, node as Node, 'it is not a value');
  const text = textOf(node.value);
  const written = reading.text.slice(...((node.range ?? [0, 0]).slice(0, 2) as [number, number]));
  if (!reading.json && node.type === 'QUOTE_DOUBLE' && /(?<!\\)(?:\\\\)*\\\//.test(written))
    refuse(reading, node, 'kubectl does not read the escape \\/: write /');
  if (node.type !== 'PLAIN' || tag !== undefined) return text;
  if (reading.flow > 0 && text.includes('?')) refuse(reading, node, 'within [ ] or { } a text with ? needs quotes');
  const scalar = plainScalar(text);
  return scalar !== null && typeof scalar === 'object' ? refuse(reading, node, scalar.unreadable) : scalar;
}

/** The schema gives every scalar as a text, or null where nothing is written. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

type MapItems = readonly { readonly key: Node; readonly value: Node | null }[];

function mapOf(reading: Reading, items: MapItems, depth: number): Value {
  const result: { [key: string]: Value } = Object.create(null) as { [key: string]: Value };
  const own = new Set<string>();
  for (const { key, value } of items) {
    const meant = value === null ? null : convert(reading, value, depth + 1);
    if (isScalar(key) && key.type === 'PLAIN' && key.value === '<<') {
      for (const map of merged(reading, key, meant)) Object.assign(result, takeOver(reading, key, map, own));
      continue;
    }
    const name = keyOf(reading, key, depth);
    // kubectl takes the last one without a word.
    if (own.has(name)) refuse(reading, key, `the key ${JSON.stringify(name)} is there twice`);
    own.add(name);
    result[name] = meant;
  }
  return { ...result };
}

/** The maps that a merge key stands for, the last one first: the first one of a list counts. */
function merged(reading: Reading, key: Node, value: Value): { [key: string]: Value }[] {
  const maps = Array.isArray(value) ? value.toReversed() : [value];
  return maps.map((map) => {
    if (map === null || typeof map !== 'object' || Array.isArray(map))
      return refuse(reading, key, 'a merge key << takes a map, or a list of maps');
    return map;
  });
}

/** kubectl lets a merge key win over keys in front of it, YAML does not. */
function takeOver(reading: Reading, key: Node, map: { [key: string]: Value }, own: ReadonlySet<string>) {
  const both = Object.keys(map).find((name) => own.has(name));
  if (both !== undefined)
    refuse(reading, key, `the merge key << stands behind ${JSON.stringify(both)}, which it has too: write it first`);
  return map;
}

function keyOf(reading: Reading, key: Node, depth: number): string {
  const value = convert(reading, key, depth + 1);
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isInteger(value))) {
    const written = isScalar(key) ? String(key.value) : '';
    if (written !== String(value))
      refuse(reading, key, `the key ${written} is read as ${String(value)}: put it in quotes`);
    return String(value);
  }
  return refuse(reading, key, 'a key is a text: put it in quotes');
}
