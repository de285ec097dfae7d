/** Waits in tests for something to become true, and says what was there instead when it does not. */

/** Looks each turn of the event loop until `look` gives what is expected; fails after `withinMs` with what it last saw. */
export async function until<V>(look: () => V, expected: (seen: V) => boolean, withinMs = 10_000): Promise<V> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = look();
    if (expected(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
