/** Waiting in tests for what comes true by itself. */
import { setTimeout as pause } from 'node:timers/promises';

/** Looks again every 50 ms until it is so. @throws Error after `limitMs` milliseconds. */
export async function eventually(holds: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it did not come true within ${limitMs / 1000} s`);
    await pause(50);
  }
}
