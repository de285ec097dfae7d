/** Whether two values of plain data are the same. Pure: Node.js has it, and browsers do not. */

/** Objects without fields that are undefined, in any order of their fields; lists, texts, numbers, booleans. */
export function isEqual(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return Object.is(one, other);
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [left, right] = [Object.entries(one), new Map<string, unknown>(Object.entries(other))];
  return left.length === right.size && left.every(([key, value]) => isEqual(value, right.get(key)));
}
