/**
 * What of the Common Expression Language means the same here and in the API server: the rest is refused, with its position. Each rule
 * stands for a difference between the library and Kubernetes that test/api/expression.test.ts shows. Pure.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { parseDuration } from '@chaosplane/common/pure';

/** What is wrong with an expression, and where: columns count from 1. */
export interface ExpressionProblem {
  readonly wrong: string;
  readonly column: number;
}

/** Fields by their names: each is of a type, or has fields. */
export interface Fields {
  readonly [name: string]: string | Fields;
}

/** Steps of an evaluation at most, as counted in the text; a microsecond or less each. */
const MOST_COST = 10_000;

const FUNCTIONS: ReadonlySet<string> = new Set(['has', 'size', 'duration', 'double']);
const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const METHODS: ReadonlySet<string> = new Set([
  ...MACROS,
  ...['size', 'contains', 'startsWith', 'endsWith', 'hasValue', 'value', 'or', 'orValue'],
]);
const KNOWN = `known are ${[...FUNCTIONS, ...METHODS].filter((name, at, all) => all.indexOf(name) === at).join(', ')}`;

const MOST_INT = 2n ** 63n;
/** Up to here a double has every integer. */
const EXACT = 2n ** 53n;

/** No sum of them in one expression reaches the end of 64 bits of nanoseconds, which is an error of Go and not of JavaScript. */
export const LONGEST_DURATION_MS = 100 * 24 * 3600_000;

type Refuse = (node: ASTNode, wrong: string, at?: number) => void;

/** What is refused by its words alone, before types are known. */
export function refusedWords(ast: ASTNode, variables: Fields): ExpressionProblem | undefined {
  return firstOf((refuse) => {
    visit(ast, [], (node, around) => {
      refuseLiteral(node, around.at(-1), refuse);
      refuseCall(node, variables, refuse);
      refuseName(node, variables, refuse);
    });
    const total = costOf(ast, Math.max(1, itemsIn(ast)));
    if (digitsIn(ast) > MOST_DIGITS) refuse(ast, 'its doubles may get too large together', 0);
    if (total > MOST_COST) refuse(ast, `it may take ${total} steps, and ${MOST_COST} are the most`, 0);
  });
}

/** What is refused by the types of its parts, which the library's check has found. */
export function refusedTypes(ast: ASTNode): ExpressionProblem | undefined {
  return firstOf((refuse) => visit(ast, [], (node, around) => refuseOperator(node, around, refuse)));
}

function firstOf(search: (refuse: Refuse) => void): ExpressionProblem | undefined {
  let found: ExpressionProblem | undefined;
  search(({ start }, wrong, at = start) => {
    found ??= { wrong, column: at + 1 };
  });
  return found;
}

function visit(
  node: ASTNode,
  around: readonly ASTNode[],
  look: (node: ASTNode, around: readonly ASTNode[]) => void,
): void {
  look(node, around);
  for (const child of childrenOf(node)) visit(child, [...around, node], look);
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value;
  const nodesIn = (value: unknown): readonly ASTNode[] =>
    isNode(value) ? [value] : Array.isArray(value) ? value.flatMap(nodesIn) : [];
  return nodesIn(node.args);
}

/** Integers beyond 64 bits are read; texts in three quotes keep \r, and raw ones end elsewhere; keys of objects are JavaScript's. */
function refuseLiteral(node: ASTNode, parent: ASTNode | undefined, refuse: Refuse): void {
  if (node.op === 'map') refuse(node, 'maps are not known here');
  if (node.op !== 'value') return;
  const { args: value, input, start } = node;
  const most = parent?.op === '-_' ? MOST_INT : MOST_INT - 1n;
  if (typeof value === 'bigint' && value > most) refuse(node, 'an integer has 64 bits');
  else if (value === null) refuse(node, 'nothing is null here: ask has(…) whether it is there');
  else if (typeof value === 'object') refuse(node, 'bytes and unsigned integers are not known here');
  else if (typeof value !== 'string') return;
  else if (/^[rR]/.test(input.slice(start)) && value.includes('\\'))
    refuse(node, 'a raw text with \\ is not known here');
  else if (/^[rR]?("""|''')/.test(input.slice(start))) refuse(node, 'a text has one quote at each end');
}

function refuseCall(node: ASTNode, variables: Fields, refuse: Refuse): void {
  if (node.op === 'call') {
    const [name, [first]] = node.args;
    if (!FUNCTIONS.has(name)) refuse(node, `${name} is not known here; ${KNOWN}`);
    else if (name === 'duration' && first !== undefined) refuseDuration(first, refuse);
  }
  if (node.op !== 'rcall') return;
  const [name, on, given] = node.args;
  const isOptional = on.op === 'id' && on.args === 'optional' && (name === 'of' || name === 'none');
  if (name === 'matches') {
    const instead = 'regular expressions mean something else in each language; use contains, startsWith or endsWith';
    refuse(node, `matches is not known here: ${instead}`);
  } else if (!METHODS.has(name) && !isOptional) refuse(node, `${name} is not known here; ${KNOWN}`);
  const [variable] = given;
  if (!MACROS.has(name) || variable?.op !== 'id') return;
  if (variable.args in variables) refuse(variable, `${variable.args} has a meaning already`);
  if (on.op === 'list' && on.args.length === 0) refuse(on, 'an empty list has nothing to ask about');
}

/** The library takes "s" for 0s, and its sums of negative ones are wrong by a second. */
function refuseDuration(node: ASTNode, refuse: Refuse): void {
  if (node.op !== 'value' || typeof node.args !== 'string') refuse(node, 'duration is of a text in quotes');
  else {
    const parsed = parseDuration(node.args);
    if (!parsed.ok) refuse(node, `${parsed.wrong}; ${parsed.allowed}`);
    else if (parsed.value > LONGEST_DURATION_MS) refuse(node, 'a duration is at most 2400h long');
    else if (!Number.isInteger(Number((parsed.value * 1000).toFixed(3))))
      refuse(node, 'it is finer than a microsecond');
  }
}

/** The library does not look at names in has(…), nor behind `.?`, nor in brackets. */
function refuseName(node: ASTNode, variables: Fields, refuse: Refuse): void {
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return;
  const [on, name] = node.args;
  const fields = fieldsOf(on, variables);
  if (fields === undefined) return;
  const isSteps = on.op === 'id' && on.args === 'steps';
  if (typeof name === 'string') {
    if (!Object.hasOwn(fields, name)) refuse(node, `no such key: ${name}`, node.pos);
  } else if (!isSteps) refuse(node, 'a field is named behind a point: steps.slow.verdict');
  else if (name.op !== 'value' || typeof name.args !== 'string') refuse(node, 'a step is named by a text in quotes');
  else if (!Object.hasOwn(fields, name.args)) refuse(name, `no such key: ${name.args}`);
}

/** The fields of what is named by a path from a variable. */
function fieldsOf(node: ASTNode, variables: Fields): Fields | undefined {
  const found = ((): string | Fields | undefined => {
    if (node.op === 'id') return own(variables, node.args);
    if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return undefined;
    const [on, name] = node.args;
    const key = typeof name === 'string' ? name : name.op === 'value' ? name.args : undefined;
    const fields = fieldsOf(on, variables);
    return fields === undefined || typeof key !== 'string' ? undefined : own(fields, key);
  })();
  return typeof found === 'string' ? undefined : found;
}

const own = (fields: Fields, name: string): string | Fields | undefined =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

const ORDER: ReadonlySet<string> = new Set(['<', '<=', '>', '>=']);

/** The library misses overflows of - and /, compares integers with doubles exactly, which Go does not, and texts by UTF-16. */
function refuseOperator(node: ASTNode, around: readonly ASTNode[], refuse: Refuse): void {
  const { op } = node;
  if (op === '-_') {
    if (typeOf(node.args) === 'int' && node.args.op !== 'value' && !isSmall(node.args))
      refuse(node, 'write 0 - … of what is computed');
    return;
  }
  if (op === 'call' && node.args[0] === 'double') {
    const [of] = node.args[1];
    if (of !== undefined && typeOf(of) !== 'int') refuse(node, `double is of an integer, not of ${typeOf(of)}`);
    return;
  }
  if ((op === '*' || op === '/') && typeOf(node) === 'double') {
    const [left, right] = node.args;
    if (!isFactor(right) && (op === '/' || !isFactor(left)))
      refuse(node, `with ${op}, a double has a number other than 0 on its right`);
  }
  if (op === '+' && ['string', 'list'].includes(kindOf(node))) {
    const isRepeated = around.some((one) => one.op === 'rcall' && MACROS.has(one.args[0]));
    if (isRepeated) refuse(node, 'in a macro, nothing is put together: how long it gets is not known');
  } else if (op === '/' || op === '%') {
    const [left, right] = node.args;
    const isOther = right.op === 'value' && right.args !== 0n;
    if (typeOf(node) === 'int' && !isOther && !isSmall(left))
      refuse(node, `of what is computed, ${op} has a number on its right`);
  } else if (ORDER.has(op)) {
    const [left, right] = node.args as [ASTNode, ASTNode];
    if (typeOf(left) === 'string') refuse(node, 'texts have no order here: it is another one in each language');
    if (typeOf(left) !== typeOf(right) && ![left, right].every((one) => typeOf(one) !== 'int' || isSmall(one)))
      refuse(node, 'an integer that is computed is compared with integers, or as double(…)');
  }
}

/** By the library's check; it says so of every node that it has seen. */
const typeOf = (node: ASTNode): string =>
  (node as { readonly checkedType?: { readonly name: string } }).checkedType?.name ?? '';

const kindOf = (node: ASTNode): string => typeOf(node).replace(/<.*/, '');

/** Integers that a double has, too: those of facts and parameters, and those that are written. */
function isSmall(node: ASTNode): boolean {
  if (node.op === 'value') return typeof node.args === 'bigint' && node.args <= EXACT;
  if (node.op === '-_') return isSmall(node.args);
  return node.op === '.' || ((node.op === 'call' || node.op === 'rcall') && node.args[0] === 'size');
}

/** A number that is written, and not 0: nothing else keeps infinity and NaN away, which Go does not order and JavaScript does. */
function isFactor(node: ASTNode): boolean {
  if (node.op === '-_') return isFactor(node.args);
  return node.op === 'value' && typeof node.args === 'number' && node.args !== 0;
}

/** Powers of ten up to which products of all doubles that are written stay finite, with what sums and integers add. */
const MOST_DIGITS = 200;

function digitsIn(node: ASTNode): number {
  const own = node.op === 'value' && typeof node.args === 'number' && node.args !== 0 ? node.args : 1;
  return childrenOf(node).reduce((sum, child) => sum + digitsIn(child), Math.abs(Math.log10(Math.abs(own))));
}

/** No list is longer than all that are written together: those of macros are as long as what they are of. */
function itemsIn(node: ASTNode): number {
  return childrenOf(node).reduce((sum, child) => sum + itemsIn(child), node.op === 'list' ? node.args.length : 0);
}

/** What it may take, counted in its text. */
function costOf(node: ASTNode, mostItems: number): number {
  const each = (nodes: readonly ASTNode[]): number => nodes.reduce((sum, one) => sum + costOf(one, mostItems), 1);
  if (node.op !== 'rcall' || !MACROS.has(node.args[0])) return each(childrenOf(node));
  const [, on, given] = node.args;
  return costOf(on, mostItems) + (on.op === 'list' ? on.args.length : mostItems) * each(given);
}
