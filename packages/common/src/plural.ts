/** Numbers of things, for people to read. */

/** `1204, packet` → `1,204 packets`; `1, query, queries` → `1 query`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
